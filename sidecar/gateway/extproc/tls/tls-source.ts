import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Clock, type Logger, SidecarError } from '../../../core/index.ts';
import { createSelfSigned } from './self-signed.ts';
import type { TlsMaterial } from './tls-material.ts';

/** Lowest version that is spoken. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** How a listener is encrypted. */
export type TlsOptions =
  | { readonly kind: 'plaintext' }
  /** A certificate made at the start, which clients cannot verify. */
  | { readonly kind: 'self-signed'; readonly minVersion?: TlsVersion }
  /** `tls.crt` and `tls.key` in a folder, as Kubernetes mounts a TLS secret; read again when they change. */
  | {
      readonly kind: 'mounted';
      readonly folder: string;
      readonly minVersion?: TlsVersion;
      /** How often the files are looked at, default 10 s. A mounted secret is swapped by a symbolic link, which no file watch sees reliably. */
      readonly reloadMs?: number;
    };

/** Reads a mounted certificate. Rejects with `unavailable` where it cannot be read or key and certificate do not fit. */
export const readMounted = async (folder: string): Promise<TlsMaterial> => {
  try {
    const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((name) => readFile(join(folder, name), 'utf8')));
    if (cert === undefined || key === undefined) throw new SidecarError('internal', 'two files were asked for');
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (cause) {
    throw new SidecarError('unavailable', `no usable tls.crt and tls.key in ${folder}`, { cause });
  }
};

/** First material of a listener: null for plaintext. */
export const loadTls = async (options: TlsOptions, clock: Clock): Promise<TlsMaterial | null> => {
  switch (options.kind) {
    case 'plaintext':
      return null;
    case 'self-signed':
      return createSelfSigned({ nowMs: clock.wallNow() });
    case 'mounted':
      return readMounted(options.folder);
  }
};

/**
 * Looks at a mounted certificate again and again and hands it over when it has changed. A certificate that cannot be read
 * is reported and the last good one stays. Returns what stops it.
 */
export const watchMounted = (
  options: { readonly folder: string; readonly reloadMs: number; readonly clock: Clock; readonly logger: Logger },
  first: TlsMaterial,
  onChange: (material: TlsMaterial) => void,
): (() => void) => {
  const { folder, reloadMs, clock, logger } = options;
  let current = first;
  let isStopped = false;
  const look = async (): Promise<void> => {
    try {
      const material = await readMounted(folder);
      if (isStopped || (material.cert === current.cert && material.key === current.key)) return;
      current = material;
      onChange(material);
      logger.info('certificate reloaded', { folder });
    } catch (failure) {
      const { code } = SidecarError.from(failure, 'unavailable');
      logger.warn('certificate could not be reloaded', { folder, code });
    }
  };
  let cancel = (): void => {};
  const lookLater = (): void => {
    cancel = clock.schedule(reloadMs, () => {
      void look().then(() => {
        if (!isStopped) lookLater();
      });
    });
  };
  lookLater();
  return () => {
    isStopped = true;
    cancel();
  };
};
