// Shows the server's token on each request of a program that cannot be given headers.
import { channel } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';

const authorization = `Bearer ${readFileSync(process.env.FUGUE_TOKEN_FILE, 'utf8').trim()}`;

// `fetch`, and undici as a library.
channel('undici:request:create').subscribe(({ request }) => request.addHeader('authorization', authorization));

// `node:http`, with its options in the first or the second place.
const request = http.request;
http.request = (...given) => {
  const options = given.find((one) => one?.constructor === Object);
  if (options) options.headers = { ...options.headers, authorization };
  return request(...given);
};
syncBuiltinESMExports();
