// Runs each SQL statement given as an argument and prints the rows of each as one line of JSON.
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
for (const sql of process.argv.slice(2)) {
  const reader = await connection.runAndReadAll(sql)
  console.log(JSON.stringify(reader.getRowObjectsJson()))
}
