// Copies what the compiled code reads beside itself (protocol files, the embedded model, WebAssembly) to the build folder.
import { cpSync, globSync } from 'node:fs';

const target = process.argv[2] ?? 'dist';
const assets = globSync('sidecar/**/*.{proto,wasm,jinja,json}');
for (const from of assets) cpSync(from, from.replace(/^sidecar/, target));
console.log(`copied ${assets.length} files to ${target}`);
