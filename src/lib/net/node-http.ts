/**
 * Node's HTTP modules without the cost of importing them as ES modules. An import reads every
 * export, and one of them, `WebSocket`, then loads a whole client (tens of ms of the start).
 */
export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
