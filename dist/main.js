require('./start.js').start('main');
