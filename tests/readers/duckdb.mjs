// Runs each SQL statement given as an argument and prints the rows of the last one as JSON.
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
let rows = []
for (const sql of process.argv.slice(2)) {
  const reader = await connection.runAndReadAll(sql)
  rows = reader.getRowObjectsJson()
}
console.log(JSON.stringify(rows))
