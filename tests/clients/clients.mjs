// Google's Node client of the Data API against the example fake_google, over http on loopback.
//
// Argument: the built example. Prints a line `client, case, result` for each case, separated by tabs; exits with
// 1 if one fails.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BetaAnalyticsDataClient } from '@google-analytics/data';

const program = process.argv[2];
const property = 'properties/1234';
const folder = mkdtempSync(join(tmpdir(), 'fake-google-'));
const rows = join(folder, 'rows.csv');
const lines = Array.from({ length: 25 }, (_, n) => {
  const number = String(n).padStart(2, '0');
  return `2026010${(n % 5) + 1},country ${number},${n},${n / 4}\n`;
});
writeFileSync(rows, 'date,country,sessions:integer,purchaseRevenue:currency\n' + lines.join(''));

async function withFake(args, use) {
  const fake = spawn(program, ['--rows', rows, '--folder', folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(fake, 'exit');
  const printed = {};
  for await (const line of createInterface({ input: fake.stdout })) {
    const [, name, value] = line.match(/^([A-Z_]+)=(.*)$/);
    printed[name] = value;
    if (name === 'READY') break;
  }
  const [host, port] = printed.API_URL.replace('http://', '').split(':');
  const client = new BetaAnalyticsDataClient({
    fallback: true,
    protocol: 'http',
    apiEndpoint: host,
    port: Number(port),
    keyFilename: printed.KEY_FILE,
  });
  try {
    await use(client);
  } finally {
    await client.close();
    fake.kill('SIGINT');
    assert.deepEqual(await ended, [0, null], 'the fake ends cleanly on SIGINT');
  }
}

const report = (more = {}) => ({
  property,
  dateRanges: [{ startDate: '2026-01-01', endDate: '2026-01-31' }],
  dimensions: [{ name: 'country' }],
  metrics: [{ name: 'sessions' }, { name: 'purchaseRevenue' }],
  ...more,
});

const cases = {
  'runReport with filters and paging': () =>
    withFake([], async (client) => {
      const found = [];
      for (let offset = 0; ; offset += 7) {
        const [page] = await client.runReport(
          report({
            dimensionFilter: {
              andGroup: {
                expressions: [
                  { filter: { fieldName: 'country', stringFilter: { matchType: 'FULL_REGEXP', value: 'COUNTRY (0|1)[0-9]' } } },
                  { notExpression: { filter: { fieldName: 'country', inListFilter: { values: ['Country 05'] } } } },
                ],
              },
            },
            metricFilter: {
              filter: { fieldName: 'sessions', numericFilter: { operation: 'GREATER_THAN', value: { int64Value: 2 } } },
            },
            orderBys: [{ dimension: { dimensionName: 'country' } }],
            metricAggregations: ['TOTAL'],
            limit: 7,
            offset,
          }),
        );
        assert.equal(page.rowCount, 16);
        assert.equal(page.totals[0].metricValues[0].value, '182');
        assert.deepEqual(page.metricHeaders.map((header) => header.type), ['TYPE_INTEGER', 'TYPE_CURRENCY']);
        found.push(...page.rows.map((row) => Number(row.metricValues[0].value)));
        if (page.rows.length < 7) break;
      }
      assert.deepEqual(found, [3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }),
  batchRunReports: () =>
    withFake([], async (client) => {
      const [batch] = await client.batchRunReports({ property, requests: [report(), report({ limit: 1 })] });
      assert.deepEqual(batch.reports.map((answer) => answer.rows.length), [24, 1]);
    }),
  'metadata, compatibility, pivot, realtime': () =>
    withFake([], async (client) => {
      const [metadata] = await client.getMetadata({ name: `${property}/metadata` });
      assert.deepEqual(metadata.dimensions.map((dimension) => dimension.apiName), ['date', 'country']);
      const [fields] = await client.checkCompatibility({ property, metrics: [{ name: 'sessions' }] });
      assert.equal(fields.dimensionCompatibilities[0].compatibility, 'COMPATIBLE');
      const [pivot] = await client.runPivotReport({
        property,
        dateRanges: [{ startDate: '2026-01-01', endDate: '2026-01-02' }],
        dimensions: [{ name: 'country' }],
        metrics: [{ name: 'sessions' }],
        pivots: [{ fieldNames: ['country'], limit: 3 }],
      });
      assert.deepEqual([pivot.pivotHeaders[0].rowCount, pivot.rows.length], [9, 3]);
      const [realtime] = await client.runRealtimeReport({ property, metrics: [{ name: 'sessions' }] });
      assert.equal(realtime.rows[0].metricValues[0].value, '300');
    }),
  '429 by quota': () =>
    withFake(['--tokens-left', '1'], async (client) => {
      await client.runReport(report());
      await assert.rejects(client.runReport(report()), /Exhausted property tokens for a project per hour\./);
    }),
  'requests that are refused': () =>
    withFake([], async (client) => {
      const wrong = report({ dimensions: [{ name: 'planet' }] });
      await assert.rejects(client.runReport(wrong), /Field planet is not a valid dimension\./);
      await assert.rejects(client.runReport({ ...report(), property: 'properties/99' }), /sufficient permissions/);
    }),
};

for (const [name, run] of Object.entries(cases)) {
  let result = 'ok';
  try {
    await run();
  } catch (error) {
    result = `FAILED: ${JSON.stringify(String(error).slice(0, 300))}`;
    process.exitCode = 1;
  }
  console.log(`@google-analytics/data (Node)\t${name}, self-signed JWT\t${result}`);
}
