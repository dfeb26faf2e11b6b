using OrleansLake.Iceberg.Rest;

namespace OrleansLake.Iceberg;

/// <summary>Swaps. What each answer means: https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml (updateTable)</summary>
public sealed partial class RestCatalog
{
    /// <inheritdoc />
    public async Task<CommitResult> CommitTableAsync(TableCommit commit, CancellationToken cancellationToken)
    {
        var identifier = commit.Base.Identifier;
        var (session, call) = await PrepareAsync(
            session => RestCall.Post(session.PathOf(identifier), Repeat.Never, json => TableCommitJson.Write(json, identifier, Asserted(commit), commit.Updates)), cancellationToken).ConfigureAwait(false);
        try
        {
            var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
            return reply.Status switch
            {
                200 => new CommitResult.Committed(Committed(commit, reply)),
                _ => Refused($"{identifier}", reply) is { } reason ? new CommitResult.Conflict(reason) : throw reply.Error(),
            };
        }
        catch (Exception e) when (SaysNothing(e))
        {
            return new CommitResult.Unknown(e);
        }
    }

    /// <summary>Changes several tables in one swap: all or none. Where the server cannot, <see cref="NotSupportedException"/>.</summary>
    public async Task<TransactionResult> CommitTransactionAsync(IReadOnlyList<TableCommit> commits, CancellationToken cancellationToken)
    {
        var (session, call) = await PrepareAsync(
            session => RestCall.Post(session.Path("transactions/commit"), Repeat.Never, json =>
            {
                json.WriteStartObject();
                json.WriteStartArray("table-changes");
                foreach (var commit in commits)
                {
                    TableCommitJson.Write(json, commit.Base.Identifier, Asserted(commit), commit.Updates);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }),
            cancellationToken).ConfigureAwait(false);
        session.Require("POST /v1/{prefix}/transactions/commit");
        try
        {
            var reply = await session.SendAsync(call, cancellationToken).ConfigureAwait(false);
            string names = string.Join(", ", commits.Select(commit => commit.Base.Identifier));
            return reply.IsSuccess ? new TransactionResult.Committed()
                : Refused(names, reply) is { } reason ? new TransactionResult.Conflict(reason)
                : throw reply.Error();
        }
        catch (Exception e) when (SaysNothing(e))
        {
            return new TransactionResult.Unknown(e);
        }
    }

    // What fails before anything is sent is no swap at all, and thrown.
    private async Task<(RestSession Session, RestCall Call)> PrepareAsync(Func<RestSession, RestCall> call, CancellationToken cancellationToken)
    {
        var session = await SessionAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return (session, Keyed(session, call(session)));
    }

    // Requirements are all that the server checks, and a name may by now hold another table.
    private static IReadOnlyList<TableRequirement> Asserted(TableCommit commit) =>
        commit.Requirements.Any(requirement => requirement is TableRequirement.AssertTableUuid or TableRequirement.AssertCreate)
            ? commit.Requirements
            : [new TableRequirement.AssertTableUuid(commit.Base.Metadata.TableUuid), .. commit.Requirements];

    private static string? Refused(string names, RestReply reply) => reply.Status switch
    {
        409 => $"{names}: {reply.Reason}",
        404 => $"{names}: gone: {reply.Reason}",
        400 or 422 => throw new ArgumentException(reply.Error().Message, reply.Error()),
        _ => null,
    };

    // 429 and a connection that never stood do say something, but not that the swap will never be: to the caller they are alike.
    // So are answers that the specification does not have, and those of something in between (a redirect, 408).
    private static bool SaysNothing(Exception e) => e is OperationCanceledException or IcebergFormatException
        or RestCatalogException { Status: null or < 400 or 408 or 429 or >= 500 };

    /// <summary>What the server says is in must be in what it gives: a state from before the swap, or another table's, is no answer to it.</summary>
    private LoadedTable Committed(TableCommit commit, RestReply reply)
    {
        var before = commit.Base;
        var (metadata, location) = reply.Read(at =>
        {
            var found = TableMetadataJson.Read(at.Get("metadata"));
            bool isOurs = found.TableUuid == before.Metadata.TableUuid || commit.Requirements.Any(requirement => requirement is TableRequirement.AssertCreate);
            return isOurs && commit.Updates.OfType<TableUpdate.AddSnapshot>().All(update => found.FindSnapshot(update.Snapshot.SnapshotId) is not null)
                ? (found, at.Get("metadata-location").Text())
                : throw at.Get("metadata").Expected("the table with the change that was committed");
        });
        return _known.Learn(before.Identifier, metadata, location, loan: null, reply.ETag);
    }
}

/// <summary>How a swap of several tables ended.</summary>
public abstract record TransactionResult
{
    private TransactionResult() { }

    /// <summary>All of it is in.</summary>
    public sealed record Committed : TransactionResult;

    /// <summary>None of it is in, nor will be.</summary>
    public sealed record Conflict(string Reason) : TransactionResult;

    /// <summary>All of it may be in, may come in yet, or not. Nothing that it names may be deleted.</summary>
    public sealed record Unknown(Exception Cause) : TransactionResult;
}
