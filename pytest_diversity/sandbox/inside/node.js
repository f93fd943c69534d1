// What runs a JavaScript program behind its walls; see languages.py for the protocol.
"use strict";
const fs = require("fs");
const { isBuiltin } = require("module");
const vm = require("vm");

const REPLY = 3, REQUEST = 4;
const DEPTH = 100, NODES = 100000, ITEMS = 1000; // as in wire.py
const EPOCH = Date.UTC(2024, 0, 1); // as in clock.py

class TooLarge extends Error {}

const { stringify } = JSON;
const job = JSON.parse(fs.readFileSync(REQUEST, "utf8"));

// The exact form of a value, as wire.py has it for Python.
function encoder(room) {
  let nodes = 0;
  const inside = new Set();
  const fits = (text) => {
    room -= text.length;
    if (room < 0) throw new TooLarge();
    return text;
  };
  const all = (values, depth) => {
    const items = [];
    for (const value of values) {
      if (items.length >= ITEMS) break;
      items.push(encode(value, depth));
    }
    return items;
  };
  const pairs = (entries, depth) =>
    [...entries].map(([key, value]) => [encode(key, depth), encode(value, depth)]);
  const compound = (value, depth) => {
    if (Array.isArray(value)) return ["list", value.map((item) => encode(item, depth))];
    if (ArrayBuffer.isView(value)) return ["list", all(value, depth)];
    if (value instanceof Set) return ["set", all(value, depth)];
    if (value instanceof Map) return ["dict", pairs(value.entries(), depth)];
    if (value instanceof Date || value instanceof RegExp || value instanceof Error) {
      return ["object", value.constructor.name, fits(String(value))];
    }
    if (typeof value[Symbol.iterator] === "function") return ["iterator", all(value, depth)];
    return ["dict", pairs(Object.entries(value), depth)];
  };
  function encode(value, depth = 0) {
    nodes += 1;
    if (nodes > NODES) throw new TooLarge();
    if (value === null || value === undefined || typeof value === "boolean") return value ?? null;
    if (typeof value === "string") return fits(value);
    if (typeof value === "number") return ["float", String(value)];
    if (typeof value === "bigint") return ["int", fits("0x" + value.toString(16))];
    if (typeof value === "function") return ["opaque", "function"];
    if (typeof value !== "object") return ["object", typeof value, fits(String(value))];
    if (inside.has(value)) return ["cycle"];
    if (depth >= DEPTH) return ["opaque", "deep"];
    inside.add(value);
    const wire = compound(value, depth + 1);
    inside.delete(value);
    return wire;
  }
  return encode;
}

// The same time in every run: a microsecond a reading, and steps of 250 ms for whoever waits.
function fixTime() {
  const RealDate = Date;
  const began = RealDate.now();
  let now = 0;
  const read = () => {
    const passed = RealDate.now() - began;
    now = Math.max(now + 0.001, passed - (passed % 250));
    return now;
  };
  class FixedDate extends RealDate {
    constructor(...given) {
      super(...(given.length ? given : [EPOCH + Math.floor(read())]));
    }
    static now() {
      return EPOCH + Math.floor(read());
    }
  }
  Object.defineProperty(FixedDate, "name", { value: "Date" });
  globalThis.Date = FixedDate;
  performance.now = read;
  process.hrtime.bigint = () => BigInt(Math.floor(read() * 1e6));
}

let reported = false;
function report(kind, value = null) {
  if (reported) return;
  reported = true;
  const text = stringify([kind, value]);
  const whole = text.length <= job.result ? text : '["output-limit",null]';
  fs.writeSync(REPLY, job.nonce + whole);
}

function failed(error) {
  if (error instanceof TooLarge) report("output-limit");
  else report("exception", String(error?.constructor?.name ?? typeof error).slice(0, 200));
  process.reallyExit(0);
}

// What a module imports: what node brings with it. No file of the machine is a module.
async function builtin(specifier) {
  if (!isBuiltin(specifier)) throw new Error(`Cannot find module '${specifier}'`);
  const found = require(specifier);
  const names = new Set(["default", ...Object.keys(found)]);
  const made = new vm.SyntheticModule([...names], () => {
    for (const name of names) made.setExport(name, name === "default" ? found : found[name]);
  });
  return made;
}

async function importing(specifier) {
  const made = await builtin(specifier);
  await made.link(() => {});
  await made.evaluate();
  return made;
}

const options = { filename: "program.js", importModuleDynamically: importing };
const initializeImportMeta = (meta) => void (meta.url = "file:///program.mjs");

// A program is a script, or a module where it can be nothing else: it exports, imports or awaits.
function compile() {
  try {
    const script = new vm.Script(job.source, options);
    return { run: () => script.runInThisContext(), entry: inScript };
  } catch (error) {
    return asModule() ?? failedToCompile();
  }
}

function inScript() {
  try {
    return vm.runInThisContext(job.entry);
  } catch {
    return module.exports[job.entry] ?? module.exports;
  }
}

function asModule() {
  const exported = `${job.source}\n;export { ${job.entry} as pytest_diversity_entry };`;
  for (const source of job.entry ? [exported, job.source] : [job.source]) {
    try {
      const made = new vm.SourceTextModule(source, { ...options, initializeImportMeta, identifier: "program.mjs" });
      const run = async () => {
        await made.link(builtin);
        await made.evaluate();
      };
      const entry = () => {
        const { pytest_diversity_entry: own, [job.entry]: named, default: main } = made.namespace;
        const found = [own, named, main?.[job.entry], main].find((one) => typeof one === "function");
        return found ?? inScript();
      };
      return { run, entry };
    } catch {
      continue; // nothing of that name to export, or no module either
    }
  }
  return null;
}

function failedToCompile() {
  report("syntax");
  process.reallyExit(0);
}

async function call(program) {
  await program.run();
  const entry = program.entry();
  if (typeof entry !== "function") return failed(new ReferenceError(job.entry));
  report("ok", encoder(job.result)(await entry(...job.args)));
  process.reallyExit(0);
}

const finish = process.reallyExit.bind(process);
process.exit = (code = 0) => {
  report(job.style === "script" && !code ? "ok" : "exit", job.style === "script" && !code ? null : String(code));
  finish(0);
};
process.on("uncaughtException", failed);
process.on("unhandledRejection", failed);
fixTime();
process.stdout._handle?.setBlocking?.(true); // else a flood is queued instead of written
globalThis.require = require;
globalThis.module = module;
globalThis.exports = module.exports;

const program = compile();
if (job.style === "script") {
  process.on("exit", () => report("ok"));
  program.run()?.catch?.(failed);
} else {
  call(program).catch(failed);
}
