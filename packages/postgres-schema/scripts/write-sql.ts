/** Writes `sql/schema.sql` anew. */
import { writeFileSync } from "node:fs";
import { sqlFile } from "../src/sql-file.ts";

writeFileSync(new URL("../sql/schema.sql", import.meta.url), sqlFile());
