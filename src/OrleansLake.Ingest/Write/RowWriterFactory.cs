using System.Globalization;
using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Decode;
using OrleansLake.Ingest.Pump;
using OrleansLake.Ingest.Quality;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Write;

/// <summary>Who writes, and how where there is a choice.</summary>
public sealed record RowWriterOptions
{
    /// <summary>The pipeline: dead letters name it.</summary>
    public required string Pipeline { get; init; }

    /// <summary>Its generation, which dead letters name too: one that is made anew reads the same offsets again.</summary>
    public required string Generation { get; init; }

    /// <summary>A number that tells writers of one table apart; it stands in the names of their files.</summary>
    public int WriterNumber { get; init; }

    /// <summary>Whether a record that cannot be a row stops its topic-partition, in place of becoming a dead letter.</summary>
    public bool HaltOnReject { get; init; }

    /// <summary>What rows should be like; null: anything.</summary>
    public Expectations? Expectations { get; init; }

    /// <summary>Which rows are for this table, of a topic whose records go to several; null: all. Where it is neither true nor false, a row is not.</summary>
    public Expression? Filter { get; init; }

    /// <summary>Told how many records become dead letters; null: nobody is.</summary>
    public DeadLetterAlarm? Alarm { get; init; }

    /// <summary>Whether digits behind the microseconds of a time are cut off; else a record that has them is refused.</summary>
    public bool CutFraction { get; init; }

    /// <summary>How records differ from rows; null: they do not.</summary>
    public RecordOptions? Records { get; init; }
}

/// <summary>
/// Opens writers for JSON records. What a schema costs to prepare (plan, decoder, buffers, encoders) is kept from one
/// writer to the next, so that a writer which lives for seconds costs little.
/// </summary>
public sealed class RowWriterFactory : IRowWriterFactory
{
    private const int LinesKept = 4;

    private readonly RowWriterOptions _options;
    private readonly TimeProvider _time;
    private readonly IdSource _ids;
    private readonly DeadLetterOrigin _origin;
    private readonly Lock _lock = new();
    private readonly List<WritePlan> _plans = [];
    private readonly List<(RowLine Line, DeadLetterRows Letters)> _idle = [];
    private int _opened;
    private volatile FieldCounts _counts = FieldCounts.None;

    /// <summary>A factory of one pipeline.</summary>
    public RowWriterFactory(RowWriterOptions options, TimeProvider time, IdSource ids)
    {
        _options = options;
        _time = time;
        _ids = ids;
        _origin = new DeadLetterOrigin(Encoding.UTF8.GetBytes(options.Pipeline), Encoding.UTF8.GetBytes(options.Generation), null);
    }

    /// <summary>Whether records with a null value are passed over.</summary>
    internal bool SkipsTombstones => _options.Records is { SkipTombstones: true };

    /// <inheritdoc />
    public FieldCounts Counts => _counts;

    /// <inheritdoc />
    /// <exception cref="NotSupportedException">A column's type cannot be filled from JSON or written to Parquet.</exception>
    /// <exception cref="FormatException">A table property does not say what it should.</exception>
    public IRowWriter Open(LoadedTable table, LoadedTable deadLetters)
    {
        RowLine? line = null;
        DeadLetterRows? letters = null;
        WritePlan plan;
        WritePlan letterPlan;
        int number;
        lock (_lock)
        {
            plan = PlanFor(table);
            letterPlan = PlanFor(deadLetters);
            number = ++_opened;
            int idle = _idle.FindIndex(kept => kept.Line.Plan == plan && kept.Letters.Plan == letterPlan);
            if (idle >= 0)
            {
                (line, letters) = _idle[idle];
                _idle.RemoveAt(idle);
            }
        }

        line ??= NewLine(plan);
        letters ??= new DeadLetterRows(deadLetters.Identifier, letterPlan);
        return new RowWriter(
            this,
            line,
            letters,
            new OpenFiles(plan, table.Store, FilePrefix(number)),
            new OpenFiles(letterPlan, deadLetters.Store, FilePrefix(number)),
            _origin,
            _time)
        {
            Alarm = _options.Alarm,
        };
    }

    /// <summary>What of these options does not go together with a table of that schema, each with its place; empty: they do.</summary>
    public static IReadOnlyList<string> Check(RowWriterOptions options, Schema schema)
    {
        ParquetSchema columns;
        try
        {
            columns = IcebergParquet.ToParquet(schema);
        }
        catch (NotSupportedException error)
        {
            return [error.Message];
        }

        var problems = new List<string>();
        try
        {
            JsonPlanCompiler.Compile(schema, columns, options.Records, TimeProvider.System);
        }
        catch (NotSupportedException error)
        {
            problems.Add(error.Message);
        }

        try
        {
            options.Filter?.Bind(schema);
        }
        catch (ArgumentException error)
        {
            problems.Add($"where: {error.Message}");
        }

        return [.. problems, .. options.Expectations?.Unfit(schema, columns) ?? []];
    }

    /// <summary>Opens files for records that were read before: what is refused again stays where it is.</summary>
    internal ReplayFiles OpenReplay(LoadedTable table)
    {
        int number;
        lock (_lock)
        {
            number = ++_opened;
        }

        var plan = new WritePlan(table);
        return new ReplayFiles(NewLine(plan, halts: false), new OpenFiles(plan, table.Store, FilePrefix(number)));
    }

    private RowLine NewLine(WritePlan plan, bool halts = true)
    {
        var options = new JsonDecoderOptions { CutFraction = _options.CutFraction, Records = _options.Records, Time = _time };
        RecordChoice? choice = _options.Filter is { } filter ? RecordChoice.Of(plan.Schema, filter, options) : null;
        bool choosesFirst = _options.Records is { UnknownFields: UnknownFieldAction.Evolve };
        return new RowLine(plan, RecordDecoders.Create(plan.Schema, plan.Columns, options))
        {
            Choice = choosesFirst ? choice : null,
            Screen = RowScreen.IsNeeded(_options.Expectations, _options.Filter, _options.HaltOnReject) ? new RowScreen(plan, _options.Expectations, _options.Filter, _options.HaltOnReject && halts, halts, SkipsTombstones, choosesFirst ? null : choice) : null,
        };
    }

    /// <summary>Takes back what a writer no longer needs, with what it counted.</summary>
    internal void Return(RowLine line, DeadLetterRows letters, long tombstones)
    {
        lock (_lock)
        {
            _counts = _counts.And(line.Decoder.TakeUnknownFields(), line.Decoder.TakeNulledFields(), line.Decoder.TakeTextFields(), tombstones);
            if (_plans.Contains(line.Plan) && _plans.Contains(letters.Plan) && _idle.Count < LinesKept)
            {
                _idle.Add((line, letters));
            }
        }
    }

    private WritePlan PlanFor(LoadedTable table)
    {
        int known = _plans.FindIndex(plan => plan.Fits(table.Metadata));
        if (known >= 0)
        {
            return _plans[known];
        }

        var plan = new WritePlan(table);
        // One pipeline writes one table and its dead letters: what came before is another schema of the same.
        foreach (var old in _plans.Where(old => old.IsOf(table.Metadata.TableUuid)).ToList())
        {
            _plans.Remove(old);
            _idle.RemoveAll(kept => kept.Line.Plan == old || kept.Letters.Plan == old);
        }

        _plans.Add(plan);
        return plan;
    }

    // <writer>-<count>-<uuid of version 7>, and each file adds its own number: nobody ever writes a name twice, and orphan
    // removal reads the time out of it.
    private string FilePrefix(int number) => string.Create(CultureInfo.InvariantCulture, $"{_options.WriterNumber:D5}-{number}-{_ids.NewUuid()}");
}
