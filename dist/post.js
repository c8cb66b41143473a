require('./start.js').start('post');
