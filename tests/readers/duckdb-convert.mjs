// A rival for `./lake bench convert`: runs the SQL of its arguments but the last once, then the last one each time that a line
// comes in, and answers {"seconds": …, "cpuSeconds": …} of the whole process. It sleeps in between.
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'

const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
const connection = await instance.connect()
const statements = process.argv.slice(2)
const measured = statements.pop()
for (const sql of statements) await connection.run(sql)
for await (const _ of createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage()
  const begun = process.hrtime.bigint()
  try {
    await connection.run(measured)
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
    continue
  }
  const took = process.cpuUsage(cpu)
  console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - begun) / 1e9, cpuSeconds: (took.user + took.system) / 1e6 }))
}
