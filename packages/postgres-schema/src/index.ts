export { type Queryable, type SchemaDatabase } from "./database.ts";
export { checkSchema, findTables, migrate, migrationLock, schemaStatements, type FoundTables } from "./migrate.ts";
export { SCHEMA_VERSION } from "./migrations.ts";
export {
  bitsOf,
  bitsOfId,
  DEFAULT_SCHEMA,
  hiddenSchemaOf,
  idOf,
  NO_OWNER,
  ownerFromText,
  ownerOfUser,
  ownerText,
  recencyOf,
  tableNames,
  type TableNames,
} from "./names.ts";
export { parseSchemaOptions, SCHEMA_FIELDS, type SchemaOptions } from "./options.ts";
