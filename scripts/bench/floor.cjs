// Sends the requests that the action sends for a job, over as many connections, and does nothing else: the floor of the
// benchmark. It loads only node:https and checks only the status of a response. It is CommonJS, which starts at least as
// fast as an ES module.

const https = require('node:https');

const { env } = process;
const { SCALEKIT_ENVIRONMENT_URL: origin, SCALEKIT_ORGANIZATION_ID: organization } = env;
const { hostname, port } = new URL(origin);
const clients = `/api/v1/organizations/${organization}/clients`;
let authorization;

class Agent extends https.Agent {
  /** Opens a connection for the next request that finds no free connection. */
  preconnect() {
    this.spare = super.createConnection({ ...this.options, host: hostname, port, session: this.session });
  }

  createConnection(options) {
    const socket = this.spare ?? super.createConnection(options);
    this.spare = undefined;
    return socket.on('session', (session) => {
      this.session = session;
    });
  }
}

const agent = new Agent({ keepAlive: true });

const jobs = {
  async create() {
    await signIn();
    await list();
    const creation = send('POST', clients, env.CLIENT);
    // The next two requests are sent at the same time, on two connections. The action opens the second one here.
    agent.preconnect();
    const { client, plain_secret } = await creation;
    await Promise.all([getToken(client.client_id, plain_secret), list()]);
  },
  async rotate() {
    await signIn();
    const client = `${clients}/${env.INPUT_CLIENT_ID}`;
    await send('GET', client);
    const { plain_secret } = await send('POST', `${client}/secrets`);
    await getToken(env.INPUT_CLIENT_ID, plain_secret);
  },
  async reuse() {
    await signIn();
    await (env.INPUT_CLIENT_ID ? send('GET', `${clients}/${env.INPUT_CLIENT_ID}`) : list());
  },
  async remove() {
    await signIn();
    const client = `${clients}/${JSON.parse(env.STATE_client).client.id}`;
    await send('GET', client);
    await send('DELETE', client);
  },
};

async function signIn() {
  authorization = `Bearer ${await getToken(env.SCALEKIT_CLIENT_ID, env.SCALEKIT_CLIENT_SECRET)}`;
}

async function getToken(client_id, client_secret) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return (await send('POST', '/oauth/token', form.toString(), headers)).access_token;
}

async function list() {
  for (let token = ''; ; ) {
    const page = await send('GET', `${clients}?page_size=100${token && `&page_token=${token}`}`);
    token = page.next_page_token;
    if (!token) return;
  }
}

function send(method, path, body, headers = { authorization, 'content-type': 'application/json' }) {
  return new Promise((resolve, reject) => {
    const onResponse = (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode } = response;
        if (statusCode >= 200 && statusCode < 300) resolve(JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${statusCode} ${text}`));
      });
    };
    https
      .request(origin + path, { method, headers, agent }, onResponse)
      .on('error', reject)
      .end(body);
  });
}

// Open keep-alive connections would delay the end of the process.
jobs[process.argv[2]]().then(() => process.exit());
