import type { LogFields, Logger } from '../../sidecar/core/index.ts';

/** One line that was logged. */
export interface LoggedLine {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps what it is told; children write to the same list. */
export const createRecordingLogger = (): { readonly logger: Logger; readonly lines: readonly LoggedLine[] } => {
  const lines: LoggedLine[] = [];
  const at = (inherited: LogFields): Logger => {
    const keep =
      (level: LoggedLine['level']) =>
      (message: string, fields: LogFields = {}): void =>
        void lines.push({ level, message, fields: { ...inherited, ...fields } });
    return {
      error: keep('error'),
      warn: keep('warn'),
      info: keep('info'),
      debug: keep('debug'),
      child: (fields) => at({ ...inherited, ...fields }),
    };
  };
  return { logger: at({}), lines };
};
