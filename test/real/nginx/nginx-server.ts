import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { freePort, pollUntil, startProcess } from '../../support/process.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const cache = resolve(process.env['WARMROUTE_REAL_CACHE'] ?? '.cache/real', 'nginx');
const executable = `${cache}/usr/sbin/nginx`;

/** Whether install.sh has put an nginx. */
export const hasNginx = (): boolean => existsSync(`${cache}/.complete`);

/** A running nginx. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
}

const configOf = (
  server: string,
  options: { readonly folder: string; readonly port: number; readonly script: string },
): string => {
  const { folder, port, script } = options;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  );
  return `
    load_module ${cache}/usr/lib/nginx/modules/ngx_http_js_module.so;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log info;
    events {}
    http {
      access_log off; ${temporary.join(' ')} js_path ${folder};
      ${script === '' ? '' : 'js_import gateway from gateway.js; js_var $picked;'}
      server { listen 127.0.0.1:${port}; ${server} }
    }`;
};

/** Starts nginx with these directives in its server block, and `script` as the njs module `gateway`. */
export const startNginx = async (server: string, script = ''): Promise<Nginx> => {
  const folder = await temporaryFolder({ 'gateway.js': script });
  const port = await freePort();
  await writeFile(`${folder.path}/nginx.conf`, configOf(server, { folder: folder.path, port, script }));
  const nginx = startProcess(executable, [
    '-p',
    folder.path,
    '-c',
    `${folder.path}/nginx.conf`,
    '-e',
    `${folder.path}/error.log`,
  ]);
  const url = `http://127.0.0.1:${port}`;
  await pollUntil(async () => ((await fetch(`${url}/up`)).status > 0 ? true : undefined), {
    what: 'nginx',
    deadlineMs: 10_000,
  }).catch((failure: unknown) => {
    throw new Error(`${failure}: ${nginx.errorOutput()}`);
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await nginx.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
};
