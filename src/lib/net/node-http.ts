/**
 * Node's HTTP modules, without what importing them as ES modules brings along: that reads every
 * export, and one of them, `WebSocket`, loads a whole client then (tens of ms of our start).
 */
export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
