export { type Queryable, type SchemaDatabase } from "./database.ts";
export { checkSchema, migrate, schemaStatements } from "./migrate.ts";
export { SCHEMA_VERSION } from "./migrations.ts";
export { tableNames, type TableNames } from "./names.ts";
export { DEFAULT_SCHEMA, parseSchemaOptions, type SchemaOptions } from "./options.ts";
