using Amazon.Glue.Model;
using Amazon.Runtime;
using OrleansLake.Iceberg;
using GlueTable = Amazon.Glue.Model.Table;

namespace OrleansLake.Aws;

/// <content>Swaps. https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html</content>
public sealed partial class GlueCatalog
{
    /// <inheritdoc />
    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        var identifier = commit.Base.Identifier;
        try
        {
            if (await FindAsync(identifier, cancellationToken).ConfigureAwait(false) is not { } found)
            {
                return new CommitResult.Conflict($"table {identifier} is gone");
            }

            string newest = LocationOf(identifier, found);
            if (newest != commit.Base.MetadataLocation)
            {
                return new CommitResult.Conflict($"{identifier}: expected {commit.Base.MetadataLocation} to be the newest, got {newest}");
            }

            // The same file, so the same metadata: names of metadata files are given once.
            if (commit.Base.Metadata.Violated(commit.Requirements) is { } violated)
            {
                return new CommitResult.Conflict($"{identifier}: {violated}");
            }

            var (metadata, toDelete) = commit.Base.Metadata.Apply(commit.Updates, _time).After(commit.Base);
            string file = await WriteAsync(metadata, newest, cancellationToken).ConfigureAwait(false);
            var result = await SwapAsync(new LoadedTable(identifier, metadata, file, _store), found, cancellationToken).ConfigureAwait(false);
            await DeleteAsync(result switch
            {
                CommitResult.Committed => toDelete,
                CommitResult.Conflict => [file],
                _ => [],
            }).ConfigureAwait(false);
            return result;
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken) || e is AwsException or ObjectNotFoundException)
        {
            return new CommitResult.Unknown(e);
        }
    }

    private async Task<CommitResult> SwapAsync(LoadedTable next, GlueTable found, CancellationToken cancellationToken)
    {
        var request = new UpdateTableRequest
        {
            CatalogId = _options.CatalogId,
            DatabaseName = next.Identifier.Namespace[0],
            TableInput = Described(InputOf(found, found.Name), next.Metadata, next.MetadataLocation, LocationOf(next.Identifier, found)),
            VersionId = found.VersionId,
            SkipArchive = _options.SkipArchive,
        };
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await _glue.UpdateTableAsync(next.Identifier, request, cancellationToken).ConfigureAwait(false);
                return new CommitResult.Committed(next);
            }
            catch (AwsException e) when (GlueCalls.IsThrottled(e) && attempt < _options.MostAttempts)
            {
                // Refused before it was looked at.
                await _glue.PauseAsync(attempt, cancellationToken).ConfigureAwait(false);
            }
            catch (AwsException e) when (e.InnerException is EntityNotFoundException)
            {
                return new CommitResult.Conflict($"table {next.Identifier} is gone");
            }
            catch (AwsException e) when (e.InnerException is InvalidInputException or AmazonServiceException { ErrorCode: "ValidationException" })
            {
                throw new ArgumentException(e.Message, e);
            }
            catch (AwsException e) when (e.InnerException is ConcurrentModificationException || GlueCalls.SaysNothing(e))
            {
                return await LookUpAsync(next, found, e, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException e)
            {
                return new CommitResult.Unknown(e);
            }
        }
    }

    /// <summary>What became of a swap: it is in when Glue names its file, or one whose log does; it never will be when the version has moved on without it.</summary>
    private async Task<CommitResult> LookUpAsync(LoadedTable next, GlueTable before, AwsException cause, CancellationToken cancellationToken)
    {
        try
        {
            if (await FindAsync(next.Identifier, cancellationToken).ConfigureAwait(false) is not { } now)
            {
                return new CommitResult.Conflict($"table {next.Identifier} is gone");
            }

            string location = LocationOf(next.Identifier, now);
            if (location == next.MetadataLocation)
            {
                return new CommitResult.Committed(next);
            }

            if (now.VersionId == before.VersionId)
            {
                return new CommitResult.Unknown(cause);
            }

            var metadata = await MetadataFile.ReadAsync(_store, location, cancellationToken).ConfigureAwait(false);
            return metadata.MetadataLog.Any(entry => entry.MetadataFile == next.MetadataLocation)
                ? new CommitResult.Committed(next)
                : new CommitResult.Conflict($"{next.Identifier}: version {before.VersionId} was replaced by {location}");
        }
        catch (Exception e) when (AwsFailures.IsFailure(e, cancellationToken) || e is IOException)
        {
            return new CommitResult.Unknown(cause);
        }
    }

    // The swap has ended: a file that stays harms nobody, and to report its failure would be to say that the swap failed.
    private async Task DeleteAsync(IReadOnlyList<string> files)
    {
        try
        {
            if (files.Count > 0)
            {
                await _store.DeleteAsync(files, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            // Maintenance finds what nobody names.
        }
    }

    /// <summary>What Glue has of a table, to be given back to it: it replaces a table whole.</summary>
    private static TableInput InputOf(GlueTable table, string name) => new()
    {
        Name = name,
        Description = table.Description,
        Owner = table.Owner,
        LastAccessTime = table.LastAccessTime,
        LastAnalyzedTime = table.LastAnalyzedTime,
        Retention = table.Retention,
        StorageDescriptor = table.StorageDescriptor,
        PartitionKeys = table.PartitionKeys,
        ViewOriginalText = table.ViewOriginalText,
        ViewExpandedText = table.ViewExpandedText,
        TableType = table.TableType,
        Parameters = table.Parameters,
        TargetTable = table.TargetTable,
    };

    /// <summary>Writes into it what engines look for. Properties of the table are not among it: they stand in the metadata, and Glue has room for few.</summary>
    private static TableInput Described(TableInput input, TableMetadata metadata, string file, string? previous)
    {
        var storage = input.StorageDescriptor ?? new StorageDescriptor();
        storage.Columns = GlueColumns.Of(metadata, storage.Columns ?? []);
        storage.Location = metadata.Location;
        input.StorageDescriptor = storage;
        input.TableType = "EXTERNAL_TABLE";
        if (metadata.Properties.GetValueOrDefault("comment") is { Length: > 0 } comment)
        {
            input.Description = comment.Length <= LongestDescription ? comment : comment[..LongestDescription];
        }

        input.Parameters = new Dictionary<string, string>(input.Parameters ?? []) { [TableType] = Iceberg, [MetadataLocation] = file };
        input.Parameters.Remove(PreviousMetadataLocation);
        if (previous is not null)
        {
            input.Parameters[PreviousMetadataLocation] = previous;
        }

        return input;
    }
}
