using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Kafka;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Read;
using OrleansLake.Ingest.Write;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Quality;

/// <summary>
/// Stands between decoding and writing: asks rows what is expected of them, takes out those that become dead letters, and ends a
/// batch before the record that halts its topic-partition. For the columns of one schema. Where nothing can halt (a replay), what
/// would becomes a dead letter.
/// </summary>
internal sealed class RowScreen(WritePlan plan, Expectations? expectations, Expression? filter, bool haltOnReject, bool halts = true, bool skipsTombstones = false, RecordChoice? choice = null)
{
    private readonly RowCondition? _filter = filter is null ? null : new RowCondition(filter.Bind(plan.Schema), ReadSchema.Of(plan.Schema.Fields));
    private readonly RowCheck?[] _checks = expectations?.Compile(plan.Schema, plan.Columns) ?? [];
    private readonly RowGather _gather = new(plan.Columns);
    private bool[] _met = [];
    private bool[] _keep = [];
    private int[] _records = [];

    /// <summary>Whether there is anything to screen.</summary>
    public static bool IsNeeded(Expectations? expectations, Expression? filter, bool haltOnReject) => haltOnReject || filter is not null || expectations is { Standings.Count: > 0 };

    /// <summary>
    /// Screens the rows of records from <paramref name="first"/> on, up to <paramref name="next"/>, which goes back to the record
    /// that halts. The rows that are to be written; <paramref name="rejected"/> gains those that become dead letters.
    /// </summary>
    public ColumnBatch Screen(KafkaBatch batch, int first, ref int next, ColumnBatch rows, List<RejectedRecord> rejected, out HaltedRecord? halted)
    {
        int count = rows.RowCount;
        if (_records.Length < count)
        {
            (_met, _keep, _records) = (new bool[count], new bool[count], new int[count]);
        }

        FindRecords(first, next, rejected);
        var keep = _keep.AsSpan(0, count);
        keep.Fill(true);
        // What is not for this table is not asked anything either, and is no dead letter.
        _filter?.Apply(rows, keep);
        choice?.RemoveOthers(batch, rejected);
        int haltAt = int.MaxValue;
        string why = "";
        if (haltOnReject && rejected.FindIndex(one => !skipsTombstones || one.Reason != RejectReason.NullValue) is >= 0 and var halting)
        {
            RejectedRecord reject = rejected[halting];
            // This goes to logs and webhooks, so without what the record holds.
            (haltAt, why) = (reject.RecordIndex, $"{(reject.Path.Length > 0 ? $"{reject.Path}: " : "")}{reject.Reason.ErrorClass()}, {reject.Message.Split(", got ", 2)[0]}");
        }

        List<RejectedRecord> unmet = [];
        for (int i = 0; i < _checks.Length && count > 0; i++)
        {
            if (_checks[i] is { } check)
            {
                Check(batch, rows, check, expectations!.Standings[i], keep, unmet, ref haltAt, ref why);
            }
        }

        if (unmet.Count > 0)
        {
            rejected.AddRange(unmet);
            rejected.Sort(static (a, b) => a.RecordIndex.CompareTo(b.RecordIndex));
        }

        halted = null;
        if (haltAt != int.MaxValue)
        {
            halted = new HaltedRecord(batch.Records[haltAt].Offset, why);
            next = haltAt;
            rejected.RemoveAll(reject => reject.RecordIndex >= haltAt);
            for (int row = 0; row < count; row++)
            {
                keep[row] &= _records[row] < haltAt;
            }
        }

        return Kept(rows, keep);
    }

    private void Check(
        KafkaBatch batch, ColumnBatch rows, RowCheck check, Expectations.Standing standing, Span<bool> keep, List<RejectedRecord> unmet, ref int haltAt, ref string why)
    {
        Expectation expectation = standing.Expectation;
        standing.Due += expectation.Sample;
        if (standing.Due < 1)
        {
            return;
        }

        standing.Due -= Math.Floor(standing.Due);
        int count = rows.RowCount;
        var met = _met.AsSpan(0, count);
        met.Fill(true);
        check.Apply(rows, batch, _records.AsSpan(0, count), met);
        string? finding = check.TakeFinding();
        for (int row = 0; _filter is not null && row < count; row++)
        {
            met[row] |= !keep[row];
        }

        int failed = met.Count(false);
        expectations!.Count(standing, failed, count, finding);
        if (halts && expectation.Action == UnmetAction.Halt && (failed > 0 || finding is not null))
        {
            // What a window does not meet halts behind the batch that filled it.
            int at = failed > 0 ? _records[met.IndexOf(false)] : _records[count - 1];
            if (at < haltAt)
            {
                (haltAt, why) = (at, $"expectation {expectation.Name}: expected {expectation.Text}{(finding is null ? "" : $", {finding}")}");
            }
        }

        bool takesOut = expectation.Action == UnmetAction.DeadLetter || (!halts && expectation.Action == UnmetAction.Halt);
        if (!takesOut || failed == 0)
        {
            return;
        }

        for (int row = 0; row < count; row++)
        {
            if (!met[row] && keep[row])
            {
                keep[row] = false;
                unmet.Add(new RejectedRecord(_records[row], RejectReason.UnmetExpectation, expectation.Column ?? "", $"expectation {expectation.Name}: expected {expectation.Text}"));
            }
        }
    }

    /// <summary>Rows are the records that were not rejected, in their order.</summary>
    private void FindRecords(int first, int next, List<RejectedRecord> rejected)
    {
        int reject = 0;
        int row = 0;
        for (int record = first; record < next; record++)
        {
            if (reject < rejected.Count && rejected[reject].RecordIndex == record)
            {
                reject++;
            }
            else
            {
                _records[row++] = record;
            }
        }
    }

    private ColumnBatch Kept(ColumnBatch rows, ReadOnlySpan<bool> keep)
    {
        int kept = keep.Count(true);
        if (kept == keep.Length)
        {
            return rows;
        }

        int at = 0;
        for (int row = 0; row < keep.Length; row++)
        {
            if (keep[row])
            {
                _records[at++] = row;
            }
        }

        _gather.Gather(rows, _records.AsSpan(0, kept));
        return _gather.Rows;
    }
}
