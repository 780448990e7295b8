/**
 * The admin API: operations over HTTP with JSON, for the commands and for automation.
 *
 *   GET  /v1/status                        as /status of the observe listener
 *   GET  /v1/sessions?member=m1
 *   GET  /v1/events                        server-sent events, see server.ts
 *   POST /v1/members/{name|id|address}/drain     {"timeout": ms, "force": bool, "keepLeader": bool}
 *   POST /v1/members/{name|id|address}/undrain
 *   POST /v1/leader/move                   {"to": name|id|address}
 *   POST /v1/rebalance
 *   POST /v1/pause                         {"refuse": bool}
 *   POST /v1/resume                        {"acceptCluster": bool|id}
 *   POST /v1/reload                        {"force": bool}
 *   POST /v1/sessions/{id}/close
 *   POST /v1/log-level                     {"level": "debug"}
 *
 * A refused operation is {"error": "one sentence"} with 400, 404 or 409; a request beyond the bounds gets 411, 413 or 503.
 * A stopping process only closes sessions: another process may have replaced it already, and whatever else it
 * accepted would end with it. Owns paths and shapes. The socket's permissions decide who may ask, server.ts how much.
 */
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as z from 'zod/mini';
import { logLevels } from '../config/settings.ts';
import { safeText } from '../lib/text/safe-text.ts';
import type { ReloadResult } from '../observe/events/sentences/operators.ts';
import type { Status } from '../observe/status.ts';
import type { Operations } from './operations.ts';
import type { Pausing } from './pausing.ts';
import { OperationRefused, type RefusalKind } from './refused.ts';

export interface ApiOptions {
  readonly status: () => Status;
  readonly operations: Operations;
  readonly pausing: Pausing;
  readonly reload: (force: boolean) => Promise<ReloadResult>;
  /** Is the process about to end? */
  readonly isStopping: () => boolean;
}

const codes: Readonly<Record<RefusalKind, ContentfulStatusCode>> = {
  invalid: 400,
  unknown: 404,
  conflict: 409,
};

/** In hexadecimal, as etcdctl and the events have it. */
const clusterId = /^(0x)?[\da-f]{1,16}$/i;
const longestTimeout = 2 ** 31 - 1;
const drainBody = z.strictObject({
  timeout: z.optional(z.int().check(z.minimum(0), z.maximum(longestTimeout))),
  force: z.optional(z.boolean()),
  keepLeader: z.optional(z.boolean()),
});
const moveBody = z.strictObject({ to: z.optional(z.string()) });
const reloadBody = z.strictObject({ force: z.optional(z.boolean()) });
const pauseBody = z.strictObject({ refuse: z.optional(z.boolean()) });
const resumeBody = z.strictObject({
  acceptCluster: z.optional(z.union([z.boolean(), z.string().check(z.regex(clusterId))])),
});
const logLevelBody = z.strictObject({ level: z.enum(logLevels) });
const sessionId = /^\d{1,15}$/;
const closesSession = /^\/v1\/sessions\/[^/]*\/close$/;

export function adminApi({ status, operations, pausing, reload, isStopping }: ApiOptions): Hono {
  const api = new Hono();
  api.onError((error, context) => {
    const code = error instanceof OperationRefused ? codes[error.kind] : 500;
    return context.json({ error: error.message }, code);
  });
  api.notFound((context) =>
    context.json(
      { error: safeText(`${context.req.method} ${context.req.path} does not exist`) },
      404,
    ),
  );
  api.post('*', async (context, next) => {
    if (isStopping() && !closesSession.test(context.req.path)) {
      throw new OperationRefused(
        'conflict',
        `This etcd-lb (process ${process.pid}) is stopping and accepts no operations; ask its successor, or ask again after a restart.`,
      );
    }
    await next();
  });
  api.get('/v1/status', (context) => context.json(status()));
  api.get('/v1/sessions', (context) =>
    context.json(operations.sessions(context.req.query('member'))),
  );
  api.post('/v1/members/:id/drain', async (context) => {
    const asked = read(drainBody, await context.req.text());
    return context.json(await operations.drain(context.req.param('id'), asked));
  });
  api.post('/v1/leader/move', async (context) => {
    const { to } = read(moveBody, await context.req.text());
    return context.json(await operations.moveLeader(to));
  });
  api.post('/v1/members/:id/undrain', async (context) =>
    context.json(await operations.undrain(context.req.param('id'))),
  );
  api.post('/v1/rebalance', (context) => context.json(operations.rebalance()));
  addPauses(api, pausing);
  api.post('/v1/reload', async (context) => {
    const { force = false } = read(reloadBody, await context.req.text());
    const result = await reload(force);
    if (result.kind === 'refused') throw new OperationRefused('conflict', result.why);
    return context.json(result);
  });
  api.post('/v1/sessions/:id/close', (context) => {
    const id = context.req.param('id');
    if (!sessionId.test(id)) {
      throw new OperationRefused('invalid', `${id} is not a session id; see etcd-lb sessions.`);
    }
    operations.closeSession(Number(id));
    return context.json({ closed: Number(id) });
  });
  api.post('/v1/log-level', async (context) => {
    const { level } = read(logLevelBody, await context.req.text());
    operations.setLogLevel(level);
    return context.json({ level });
  });
  return api;
}

function addPauses(api: Hono, pausing: Pausing): void {
  api.post('/v1/pause', async (context) => {
    const { refuse = false } = read(pauseBody, await context.req.text());
    return context.json(await pausing.pause(refuse));
  });
  api.post('/v1/resume', async (context) => {
    const { acceptCluster = false } = read(resumeBody, await context.req.text());
    return context.json(await pausing.resume(acceptCluster));
  });
}

/** Parses a body; an empty one is `{}`. Throws `OperationRefused` when it cannot be used. */
function read<T>(shape: z.ZodMiniType<T>, body: string): T {
  let value: unknown;
  try {
    value = JSON.parse(body || '{}');
  } catch {
    throw new OperationRefused('invalid', 'The body is not JSON; send an object such as {}.');
  }
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') || 'The body';
  throw new OperationRefused('invalid', `${where}: ${issue?.message ?? 'cannot be used'}.`);
}
