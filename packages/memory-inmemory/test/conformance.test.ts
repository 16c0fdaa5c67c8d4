import { testMemoryStorage } from "@rivet/memory-conformance";
import { InMemoryStorage } from "@rivet/memory-inmemory";
import { describe, it } from "vitest";

const missing = "what one object holds in process memory is nobody else's, and gone when it is closed";

testMemoryStorage({
  describe,
  it,
  name: "InMemoryStorage",
  create: (options) => new InMemoryStorage(options),
  capabilities: { connect: { missing }, reopen: { missing }, damage: { missing } },
});
