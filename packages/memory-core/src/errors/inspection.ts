/**
 * The symbol of the method that `console.log` calls in Node, Deno and Bun. It comes from the global symbol registry, so
 * that no module of Node is needed.
 */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom");
