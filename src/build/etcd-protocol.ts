/**
 * A plugin that puts etcd's protocol into the bundle. etcd3 reads and parses its .proto files when it is loaded;
 * here they are parsed at build time, and etcd3 gets the outcome. Its options stay as they are written.
 *
 * grpc-js has .proto files too, of its own diagnostics (channelz, ORCA). It reads them when somebody serves or asks
 * for those, which nobody here does, so that they stay out.
 */
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import type { Plugin } from 'rolldown';

const reader = /[\\/]etcd3[\\/]lib[\\/]connection-pool\.js$/;

/** The one call in etcd3 that reads files, up to its options. */
const call = /\(0, proto_loader_1\.loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`, \{/;

/** Fails the build when etcd3 reads its protocol in another way than this knows. */
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

/** With the names as they are written there, which is what `keepCase` of etcd3's options means. */
function parse(path: string): object {
  return new protobuf.Root().loadSync(path, { keepCase: true }).toJSON();
}
