/**
 * The symbol of the method that `console.log` calls in Node, Deno and Bun. It is in the registry of symbols, so that it needs no
 * module of Node.
 */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");
