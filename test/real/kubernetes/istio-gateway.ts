/** One patch of an EnvoyFilter. */
export interface ConfigPatch {
  readonly applyTo: 'CLUSTER' | 'NETWORK_FILTER' | 'HTTP_FILTER';
  readonly match: { readonly cluster?: { readonly service: string } };
  readonly patch: { readonly operation: 'MERGE' | 'INSERT_BEFORE'; readonly value: unknown };
}

/** What an ingress gateway is to be made of. */
export interface GatewayPlan {
  readonly port: number;
  readonly patches: readonly ConfigPatch[];
  /** `envoyExtAuthzHttp` of a mesh configuration, as an AuthorizationPolicy CUSTOM uses it; null: there is none. */
  readonly provider: {
    readonly service: string;
    readonly port: number;
    readonly timeout: string;
    readonly failOpen: boolean;
    readonly includeRequestBodyInCheck: { readonly maxRequestBytes: number; readonly allowPartialMessage: boolean };
    readonly includeRequestHeadersInCheck: readonly string[];
    readonly headersToUpstreamOnAllow: readonly string[];
  } | null;
  readonly engineService: string;
  readonly engines: readonly string[];
  readonly consultService: string;
  readonly consult: string;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Merges as protobuf does: messages field by field, lists one after the other. */
const merge = (base: unknown, patch: unknown): unknown => {
  if (Array.isArray(base) && Array.isArray(patch)) return [...base, ...patch];
  if (!isObject(base) || !isObject(patch)) return patch;
  const merged = Object.entries(patch).map(([key, value]) => [key, key in base ? merge(base[key], value) : value]);
  return { ...base, ...Object.fromEntries(merged) };
};

const exactly = (names: readonly string[]) => ({ patterns: names.map((exact) => ({ exact })) });

/** The filter that istiod makes of an extension provider, without the policy's own conditions. */
const filterOf = (provider: NonNullable<GatewayPlan['provider']>): unknown => {
  const { service, port, timeout, failOpen, includeRequestBodyInCheck: body } = provider;
  return {
    name: 'envoy.filters.http.ext_authz',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
      failure_mode_allow: failOpen,
      with_request_body: { max_request_bytes: body.maxRequestBytes, allow_partial_message: body.allowPartialMessage },
      http_service: {
        server_uri: { uri: `http://${service}`, cluster: `outbound|${port}||${service}`, timeout },
        authorization_request: { allowed_headers: exactly(provider.includeRequestHeadersInCheck) },
        authorization_response: { allowed_upstream_headers: exactly(provider.headersToUpstreamOnAllow) },
      },
    },
  };
};

const clusterOf = (name: string, addresses: readonly string[]) => ({
  name,
  type: 'STATIC',
  connect_timeout: '10s',
  // As istiod writes them without a DestinationRule.
  lb_policy: 'LEAST_REQUEST',
  common_lb_config: {},
  load_assignment: {
    cluster_name: name,
    endpoints: [
      {
        load_balancing_weight: 1,
        lb_endpoints: addresses.map((address) => {
          const [host, port] = address.split(':');
          return { endpoint: { address: { socket_address: { address: host, port_value: Number(port) } } } };
        }),
      },
    ],
  },
});

const applied = (config: readonly unknown[], plan: GatewayPlan, to: ConfigPatch['applyTo']): readonly unknown[] => {
  const patches = plan.patches.filter(({ applyTo }) => applyTo === to);
  return config.map((part) => patches.reduce<unknown>((merged, { patch }) => merge(merged, patch.value), part));
};

/** Configuration of an Envoy with what istiod gives a gateway that matters here, and the patches applied to it. */
export const gatewayConfig = (plan: GatewayPlan): unknown => {
  const engineCluster = `outbound|80||${plan.engineService}`;
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
  };
  const inserted = plan.patches.filter(({ applyTo }) => applyTo === 'HTTP_FILTER').map(({ patch }) => patch.value);
  const authorizing = plan.provider === null ? [] : [filterOf(plan.provider)];
  const manager = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'gateway',
      http_filters: [...authorizing, ...inserted, router],
      route_config: {
        virtual_hosts: [
          {
            name: 'llm',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { cluster: engineCluster, timeout: '0s' } }],
          },
        ],
      },
    },
  };
  for (const { match } of plan.patches) {
    const service = match.cluster?.service ?? plan.engineService;
    if (service !== plan.engineService) throw new Error(`a patch is for ${service}`);
  }
  return {
    static_resources: {
      listeners: [
        {
          name: 'http',
          address: { socket_address: { address: '127.0.0.1', port_value: plan.port } },
          filter_chains: [{ filters: applied([manager], plan, 'NETWORK_FILTER') }],
        },
      ],
      clusters: [
        ...applied([clusterOf(engineCluster, plan.engines)], plan, 'CLUSTER'),
        clusterOf(`outbound|9010||${plan.consultService}`, [plan.consult]),
      ],
    },
  };
};
