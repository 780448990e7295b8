/** A reverse proxy in front of the observe listener that serves it below a path, as `proxy_pass` of nginx does. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PathProxy extends AsyncDisposable {
  /** Such as `http://127.0.0.1:40000/ops/m1`, without a slash at its end. */
  readonly url: string;
  /** Cuts every connection and refuses new ones, until `restore`. */
  cut(): void;
  restore(): Promise<void>;
}

/** @param target the address of the observe listener. */
export async function startPathProxy(target: string, path: string): Promise<PathProxy> {
  const server = http.createServer((request, response) => {
    const { url = '/', method, headers } = request;
    if (url !== path && !url.startsWith(`${path}/`)) {
      response.writeHead(404).end();
      return;
    }
    const onward = http.request(
      target + (url.slice(path.length) || '/'),
      { method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  const listen = async (port: number): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const cut = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const port = await listen(0);
  return {
    url: `http://127.0.0.1:${port}${path}`,
    cut,
    restore: async () => void (await listen(port)),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      if (!server.listening) return;
      cut();
      await closed;
    },
  };
}
