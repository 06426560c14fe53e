/**
 * gateway: the edges; each translates one protocol to and from RouteRequest and Decision and does nothing else.
 * Written to by nobody.
 * Read by `app`, which starts the edges that are configured and hands in the admin edge's source.
 * Promises that bytes pass unchanged and undelayed, and that each ticket of an observed response is ended exactly once.
 * Headers follow the Endpoint Picker Protocol of gateway-api-inference-extension; errors have OpenAI's shape.
 */
export { type AdminGatewayOptions, createAdminGateway } from './admin/admin-gateway.ts';
export type {
  AdminSource,
  EndpointReport,
  FindingReport,
  IndexReport,
  PoolReport,
  ReadinessCondition,
} from './admin/admin-source.ts';
export { type ConsultGatewayOptions, createConsultGateway } from './consult/consult-gateway.ts';
export { createExtprocGateway, type ExtprocGateway, type ExtprocGatewayOptions } from './extproc/extproc-gateway.ts';
export type { TlsOptions, TlsVersion } from './extproc/tls/tls-source.ts';
export type { Gateway } from './gateway.ts';
export { createProxyGateway, type ProxyGatewayOptions } from './proxy/proxy-gateway.ts';
