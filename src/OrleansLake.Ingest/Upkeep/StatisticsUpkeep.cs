using System.Buffers.Binary;
using System.Globalization;
using OrleansLake.Iceberg;
using OrleansLake.Iceberg.Puffin;
using OrleansLake.Ingest.Read;
using OrleansLake.Parquet;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>Which statistics are written for query planners.</summary>
public sealed record StatisticsOptions
{
    /// <summary>The columns whose distinct values are counted (<c>statistics.columns</c>); none: nothing is written.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    internal static StatisticsOptions Read(UpkeepSettings settings) => new() { Columns = settings.Names("statistics.columns") };
}

/// <summary>Which statistics would be written.</summary>
public sealed record StatisticsPlan : UpkeepPlan
{
    /// <inheritdoc />
    public override string Operation => "statistics";

    /// <summary>The columns.</summary>
    public IReadOnlyList<NestedField> Columns { get; init; } = [];

    /// <summary>The statistics that are gone on with, since nothing but appends came after them; null: every row is read.</summary>
    public StatisticsFile? Earlier { get; init; }

    /// <inheritdoc />
    public override IReadOnlyList<UpkeepStep> Steps => Columns.Count == 0 ? [] :
    [
        new UpkeepStep(
            string.Create(CultureInfo.InvariantCulture, $"snapshot {SnapshotId}"),
            $"distinct values of {string.Join(", ", Columns.Select(column => column.Name))} are counted",
            Earlier is null ? "every row is read" : string.Create(CultureInfo.InvariantCulture, $"the rows since snapshot {Earlier.SnapshotId} are read")),
    ];
}

/// <summary>
/// Writes a Puffin file with a sketch of the distinct values of some columns: what Trino and Spark plan joins by.
/// https://iceberg.apache.org/spec/#table-statistics
/// </summary>
/// <remarks>Deleted rows are not counted. Behind appends the sketch of the last time is gone on with; else all rows are read.</remarks>
/// <param name="catalog">Where the table is loaded from.</param>
/// <param name="committer">Brings the change in.</param>
/// <param name="ids">Names the file.</param>
/// <param name="time">The clock.</param>
public sealed class StatisticsUpkeep(ICatalog catalog, IUpkeepCommitter committer, IdSource ids, TimeProvider time)
{
    private const string NdvProperty = "ndv";

    /// <summary>Awaited before each batch of rows: ingestion holds it back with it.</summary>
    public Func<CancellationToken, ValueTask> Pace { get; init; } = static _ => ValueTask.CompletedTask;

    /// <summary>What would be written; nothing is changed.</summary>
    /// <exception cref="FormatException">A column is not in the table, or has no single values.</exception>
    public static StatisticsPlan Plan(LoadedTable table, StatisticsOptions options)
    {
        var metadata = table.Metadata;
        var head = metadata.FindRef(SnapshotRef.Main);
        var plan = new StatisticsPlan { Table = table.Identifier, TableUuid = metadata.TableUuid, SnapshotId = head?.SnapshotId };
        if (head is null || options.Columns.Count == 0)
        {
            return plan;
        }

        var columns = options.Columns.Select(name => metadata.CurrentSchema.FindField(name) is { Type: PrimitiveType and not (UnknownType or VariantType) } field
            ? field
            : throw new FormatException($"{UpkeepSettings.Prefix}statistics.columns: the table has no column {name} of a primitive type")).ToList();
        if (metadata.Statistics.FirstOrDefault(file => file.SnapshotId == head.SnapshotId) is { } there && Covers(there, columns))
        {
            return plan;
        }

        StatisticsFile? earlier = null;
        foreach (var snapshot in metadata.AncestorsOf(head.SnapshotId))
        {
            earlier = metadata.Statistics.FirstOrDefault(file => file.SnapshotId == snapshot.SnapshotId && Covers(file, columns));
            if (earlier is not null || snapshot.Summary.GetValueOrDefault("operation") != "append")
            {
                break;
            }
        }

        return plan with { Columns = columns, Earlier = earlier };
    }

    /// <summary>Carries a plan out.</summary>
    public async Task<UpkeepResult> ExecuteAsync(StatisticsPlan plan, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        var table = await UpkeepGuard.LoadAsync(catalog, plan, cancellationToken).ConfigureAwait(false);
        var result = new UpkeepResult { Operation = plan.Operation, Table = plan.Table };
        if (plan.IsEmpty || table.Metadata.FindSnapshot(plan.SnapshotId) is not { } snapshot)
        {
            return result with { StepsLeft = plan.Steps.Count, Notes = plan.IsEmpty ? [] : ["the snapshot is not listed any more"] };
        }

        try
        {
            var sketches = await EarlierAsync(table, plan, cancellationToken).ConfigureAwait(false);
            long bytes = await ReadAsync(table, plan, snapshot, sketches, cancellationToken).ConfigureAwait(false);
            var file = await WriteAsync(table, plan, snapshot, sketches, cancellationToken).ConfigureAwait(false);
            var change = new Transaction(time).Then((now, _) =>
            {
                UpkeepGuard.Check(now, plan, snapshot.SequenceNumber, [file.StatisticsPath], time);
                return Task.FromResult(now.Metadata.FindSnapshot(snapshot.SnapshotId) is null
                    ? new StagedChange([], [])
                    : new StagedChange([new TableRequirement.AssertTableUuid(plan.TableUuid)], [new TableUpdate.SetStatistics(file)]));
            });
            var end = await committer.CommitAsync(plan.Table, change, cancellationToken).ConfigureAwait(false);
            result = result with
            {
                BytesRead = bytes,
                BytesWritten = file.FileSizeBytes,
                FilesAdded = 1,
                StepsDone = end is CommitResult.Committed ? 1 : 0,
                Error = end is CommitResult.Committed ? null : CompactionRun.TextOf(end),
                Notes = [.. plan.Columns.Zip(sketches, (column, sketch) => string.Create(CultureInfo.InvariantCulture, $"{column.Name}: about {sketch.Estimate:N0} distinct values"))],
            };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            result = result with { Error = e.Message };
        }

        return result with { StepsLeft = 1 - result.StepsDone, Duration = time.GetElapsedTime(started) };
    }

    private static bool Covers(StatisticsFile file, IEnumerable<NestedField> columns) =>
        columns.All(column => file.Blobs.Any(blob => blob.Type == PuffinBlob.ThetaSketchType && blob.FieldIds is [var id] && id == column.Id));

    private static async Task<List<ThetaSketch>> EarlierAsync(LoadedTable table, StatisticsPlan plan, CancellationToken cancellationToken)
    {
        var sketches = plan.Columns.Select(_ => new ThetaSketch()).ToList();
        if (plan.Earlier is { } earlier)
        {
            var reader = await PuffinReader.OpenAsync(table.Store, earlier.StatisticsPath, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < sketches.Count; i++)
            {
                var blob = reader.Blobs.First(one => one.Type == PuffinBlob.ThetaSketchType && one.Fields is [var id] && id == plan.Columns[i].Id);
                var content = await reader.ReadBlobAsync(blob, cancellationToken).ConfigureAwait(false);
                sketches[i].UnionWith(ThetaSketch.FromBytes(content.Span, earlier.StatisticsPath));
            }
        }

        return sketches;
    }

    private async Task<long> ReadAsync(LoadedTable table, StatisticsPlan plan, Snapshot snapshot, List<ThetaSketch> sketches, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var scan = new TableScan(table, new ScanOptions { Snapshot = snapshot, Schema = metadata.CurrentSchema, Columns = [.. plan.Columns.Select(column => metadata.CurrentSchema.FindPath(column.Id)!)] });
        long after = plan.Earlier is { } earlier ? metadata.FindSnapshot(earlier.SnapshotId)!.SequenceNumber : -1;
        var deletes = new Read.DeleteFiles(table, RewriteWriter.BatchRows);
        var memory = new ScanMemory();
        int[] leaves = [.. plan.Columns.Select(column => scan.Columns.Columns.First(leaf => leaf.FieldId == column.Id).Index)];
        long bytes = 0;
        await foreach (var task in scan.PlanAsync(cancellationToken).ConfigureAwait(false))
        {
            if (task.SequenceNumber <= after)
            {
                continue;
            }

            bytes += plan.Columns.Sum(column => task.File.ColumnSizes?.GetValueOrDefault(column.Id) ?? 0);
            await foreach (var batch in scan.ReadAsync(task, deletes, memory, cancellationToken).ConfigureAwait(false))
            {
                await Pace(cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < leaves.Length; i++)
                {
                    Add(batch.Columns[leaves[i]], plan.Columns[i].Type, sketches[i]);
                }
            }
        }

        return bytes;
    }

    private async Task<StatisticsFile> WriteAsync(LoadedTable table, StatisticsPlan plan, Snapshot snapshot, List<ThetaSketch> sketches, CancellationToken cancellationToken)
    {
        string folder = (table.Metadata.Properties.GetValueOrDefault("write.metadata.path") ?? table.Metadata.Location + "/metadata").TrimEnd('/');
        string location = string.Create(CultureInfo.InvariantCulture, $"{folder}/{snapshot.SnapshotId}-{ids.NewUuid()}.stats");
        await using var destination = table.Store.OpenWrite(location);
        var writer = new PuffinWriter(destination, new Dictionary<string, string> { ["created-by"] = "OrleansLake" });
        var blobs = new List<PuffinBlob>();
        for (int i = 0; i < sketches.Count; i++)
        {
            byte[] content = sketches[i].ToBytes();
            blobs.Add(await writer.AppendAsync(
                new PuffinBlob
                {
                    Type = PuffinBlob.ThetaSketchType,
                    Fields = [plan.Columns[i].Id],
                    SnapshotId = snapshot.SnapshotId,
                    SequenceNumber = snapshot.SequenceNumber,
                    CompressionCodec = "zstd",
                    Properties = new Dictionary<string, string> { [NdvProperty] = ((long)Math.Round(sketches[i].Estimate)).ToString(CultureInfo.InvariantCulture) },
                },
                content,
                cancellationToken).ConfigureAwait(false));
        }

        long size = await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        await destination.CompleteAsync(cancellationToken).ConfigureAwait(false);
        long blobBytes = blobs[^1].Position + blobs[^1].LengthBytes;
        return new StatisticsFile
        {
            SnapshotId = snapshot.SnapshotId,
            StatisticsPath = location,
            FileSizeBytes = size,
            FileFooterSizeBytes = size - blobBytes,
            Blobs = [.. blobs.Select(blob => new BlobMetadata(blob.Type, blob.SnapshotId, blob.SequenceNumber, blob.Fields) { Properties = blob.Properties })],
        };
    }

    /// <summary>The values of a column in Iceberg's single-value form.</summary>
    private static void Add(ColumnBuffer column, IcebergType type, ThetaSketch sketch)
    {
        Span<byte> eight = stackalloc byte[8];
        for (int value = 0; value < column.ValueCount; value++)
        {
            if (type is DecimalType)
            {
                sketch.Add(SingleValue.DecimalBytes(LeafConversion.UnscaledOf(column, value)));
                continue;
            }

            switch (column.Column.PhysicalType)
            {
                case PhysicalType.Int32:
                    BinaryPrimitives.WriteInt32LittleEndian(eight, column.Ints[value]);
                    sketch.Add(eight[..4]);
                    break;
                case PhysicalType.Int64:
                    BinaryPrimitives.WriteInt64LittleEndian(eight, column.Longs[value]);
                    sketch.Add(eight);
                    break;
                case PhysicalType.Float:
                    BinaryPrimitives.WriteSingleLittleEndian(eight, column.Floats[value]);
                    sketch.Add(eight[..4]);
                    break;
                case PhysicalType.Double:
                    BinaryPrimitives.WriteDoubleLittleEndian(eight, column.Doubles[value]);
                    sketch.Add(eight);
                    break;
                case PhysicalType.Boolean:
                    sketch.Add(column.Bytes.AsSpan(value, 1));
                    break;
                default:
                    sketch.Add(LeafConversion.BytesOf(column, value));
                    break;
            }
        }
    }
}
