import { describe, it } from '@jest/globals';
import { createExtprocGateway } from '../../sidecar/gateway/index.ts';
import { quietGatewayOptions, started } from '../support/started-gateway.ts';
import { createSubsetRouter } from '../support/subset-router.ts';
import { playVector } from './extproc/conformance.ts';
import { loadVectors } from './extproc/vectors.ts';

const endpoints = ['10.0.0.1:8000', '10.0.0.2:8000'] as const;

describe.each(loadVectors())('Endpoint Picker Protocol, $file', ({ vectors }) => {
  it.each(vectors)('$name', async (vector) => {
    const router = createSubsetRouter(endpoints);
    await using edge = await started(createExtprocGateway({ ...quietGatewayOptions, router, isReady: () => true }));
    await playVector(vector, { connection: { address: edge.address }, endpoints });
  });
});
