// Stand-in for native add-ons that an install script would have built: a missing *.node file loads as an object whose
// every property is a function that answers nothing. Loaded before the server with --require, inside the box only.
const Module = require("node:module");
const load = Module._load;
const nothing = () => new Proxy(function () {}, { get: (_, key) => (key === "then" ? undefined : nothing()), apply: () => undefined, construct: () => nothing() });
Module._load = function (request, ...rest) {
  try {
    return load.call(this, request, ...rest);
  } catch (error) {
    const native = /\.node$/.test(request) || /\.node['"]?$|bindings file|native build|invalid ELF/im.test(String(error && error.message));
    if (native && (error.code === "MODULE_NOT_FOUND" || error.code === "ERR_DLOPEN_FAILED" || /bindings|native build/i.test(error.message))) {
      return nothing();
    }
    throw error;
  }
};
