// Runs each SQL statement given as an argument and prints the rows of each as one line of JSON,
// or {"error": …} for one that fails.
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
for (const sql of process.argv.slice(2)) {
  try {
    const reader = await connection.runAndReadAll(sql)
    console.log(JSON.stringify(reader.getRowObjectsJson()))
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
