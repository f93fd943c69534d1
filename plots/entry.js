// What the page of the HTML report draws its plots with; `make plots` bundles it.
export { View, parse } from "vega";
export { compile } from "vega-lite";
export { expressionInterpreter } from "vega-interpreter";
