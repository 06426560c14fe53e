// Copies what the compiled code reads beside itself: protocol files, the embedded model, WebAssembly.
import { cpSync, globSync } from 'node:fs';

const assets = globSync('sidecar/**/*.{proto,wasm,jinja,json}');
for (const from of assets) cpSync(from, from.replace(/^sidecar/, 'dist'));
console.log(`copied ${assets.length} files to dist`);
