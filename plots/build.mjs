// Bundles the plots of the HTML report, with the licence of each package that is in the bundle.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const page = "../pytest_diversity/report/html/";
const { metafile } = await build({
  entryPoints: ["entry.js"],
  outfile: `${page}plots.js`,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "plots",
  legalComments: "none",
  metafile: true,
});

const packages = Object.keys(metafile.inputs)
  .map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1])
  .filter(Boolean);
const licences = [...new Set(packages)].sort().map(async (name) => {
  const folder = `node_modules/${name}/`;
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const { version, license } = JSON.parse(await readFile(`${folder}package.json`, "utf8"));
  return `## ${name} ${version}, ${license}\n\n${(await readFile(folder + file, "utf8")).trim()}\n`;
});
await writeFile(`${page}LICENSES.md`, ["# What is in plots.js\n", ...(await Promise.all(licences))].join("\n"));
