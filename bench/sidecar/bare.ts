/** The least that answers: node:http with 204 or an echo, node:http2 with an empty gRPC message; `node bare.ts HTTP_PORT GRPC_PORT`. */
import { createServer } from 'node:http';
import { constants, createServer as createHttp2Server } from 'node:http2';

const [http, grpc] = process.argv.slice(2).map(Number);
createServer((message, response) => {
  const chunks: Buffer[] = [];
  message.on('data', (chunk: Buffer) => chunks.push(chunk));
  message.on('end', () => {
    const body = Buffer.concat(chunks);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.byteLength,
    });
    response.end(body);
  });
}).listen(http, '127.0.0.1');

const EMPTY = Buffer.alloc(5);
createHttp2Server()
  .on('stream', (stream) => {
    stream.on('data', () => {});
    stream.on('end', () => {
      stream.respond(
        { [constants.HTTP2_HEADER_STATUS]: 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(EMPTY);
    });
  })
  .listen(grpc, '127.0.0.1', () => console.log('ready'));
