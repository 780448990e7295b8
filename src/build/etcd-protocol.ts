/**
 * A plugin that inlines etcd's protocol. etcd3 reads and parses its .proto files when it is loaded; this plugin
 * parses them at build time, and etcd3 gets the result. Its options stay unchanged.
 *
 * grpc-js has .proto files too, for its own diagnostics (channelz, ORCA). It reads them only when these are used,
 * which etcd-lb never does, so they stay out.
 */
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import type { Plugin } from 'rolldown';

const reader = /[\\/]etcd3[\\/]lib[\\/]connection-pool\.js$/;

/** The one call in etcd3 that reads files, up to its options. */
const call = /\(0, proto_loader_1\.loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`, \{/;

/** Fails the build when etcd3 reads its protocol in an unknown way. */
export function etcdProtocol(): Plugin {
  return {
    name: 'etcd-protocol',
    transform: {
      filter: { id: reader },
      handler: (code, id) => {
        const [before, after, ...more] = code.split(call);
        if (after === undefined || more.length > 0) {
          throw new Error(`${id} reads its protocol in a new way: adapt ${import.meta.filename}.`);
        }
        const protocol = parse(join(dirname(id), '../proto/rpc.proto'));
        return `${before}(0, proto_loader_1.fromJSON)(${JSON.stringify(protocol)}, {${after}`;
      },
    },
  };
}

/** Keeps the names of fields as written, like `keepCase` in etcd3's options. */
function parse(path: string): object {
  return new protobuf.Root().loadSync(path, { keepCase: true }).toJSON();
}
