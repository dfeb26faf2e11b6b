// Runs each SQL statement given after a directory and prints the rows of each as one line of JSON, or {"error": …} for one
// that fails. Tables are opened by a path below the directory: icebergLocal('namespace/table').
import { chdir } from 'node:process'
import { query } from 'chdb'

chdir(process.argv[2])
for (const sql of process.argv.slice(3)) {
  try {
    const lines = query(sql, 'JSONEachRow').split('\n').filter(line => line)
    console.log(`[${lines.join(',')}]`)
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
