require('./start.js').start('audit');
