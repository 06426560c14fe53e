import { SidecarError } from '../../core/index.ts';
import type { Finding } from '../finding.ts';
import { statusOf } from './api.ts';

/** Verbs that discovery uses on every resource it follows. */
const VERBS = '[list, watch]';

/** What an API server was asked for: resource as RBAC names it, API group (empty for core), path. */
export interface AskedResource {
  readonly resource: string;
  readonly group: string;
  /** Null: the whole cluster. */
  readonly namespace: string | null;
}

/** Subject of what is the same for every resource. */
const API_SERVER = 'Kubernetes API server';

const missingRule = ({ resource, group, namespace }: AskedResource): string => {
  const where = namespace === null ? 'a ClusterRole' : `a Role in namespace ${namespace}`;
  return `bind ${where} with {apiGroups: ["${group}"], resources: [${resource}], verbs: ${VERBS}} to warmroute's ServiceAccount`;
};

/** Says in words what a failure of list or watch means and what mends it. */
export const findingOfFailure = (failure: unknown, asked: AskedResource): Finding => {
  const scope = asked.namespace === null ? '' : ` in ${asked.namespace}`;
  const subject = `${asked.resource}${scope}`;
  switch (statusOf(failure)) {
    case 403:
      return { code: 'access-denied', subject, problem: 'reading is forbidden (403)', mend: missingRule(asked) };
    case 401:
      return {
        code: 'credentials-refused',
        subject: API_SERVER,
        problem: 'it refused the credentials (401)',
        mend: "check that the pod's ServiceAccount exists and its token is mounted",
      };
    case 404:
      return {
        code: 'resource-unknown',
        subject,
        problem: `the API server does not know ${asked.resource}.${asked.group}`,
        mend: 'install its CustomResourceDefinition, or leave it out of discovery.kubernetes.inferencePools',
      };
    default:
      return {
        code: 'server-unreachable',
        subject: API_SERVER,
        problem: SidecarError.from(failure, 'unavailable').message,
        mend: 'check that it can be reached from here; what was known last stays in use',
      };
  }
};
