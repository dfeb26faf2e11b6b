using System.CommandLine;
using System.Text.Json;
using OrleansLake.Iceberg;
using OrleansLake.Ingest.Commit;
using OrleansLake.Terminal;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table audit</c>: whether every record is in the table once, from the table alone. Fails unless that is proved.</summary>
internal static class TableAuditCommand
{
    internal static Command Create()
    {
        var branch = new Option<string>("--branch") { Description = "The branch to audit", DefaultValueFactory = _ => SnapshotRef.Main };
        var deadLetters = new Option<string?>("--dead-letters") { Description = "The table of rejected records, to be compared too" };
        return new TableArguments().CreateCommand(
            "audit",
            "Prove from the table alone that each record is in it exactly once",
            (request, cancellationToken) => RunAsync(request, request.Parsed.GetValue(branch)!, request.Parsed.GetValue(deadLetters), cancellationToken),
            branch,
            deadLetters);
    }

    private static async Task<int> RunAsync(TableRequest request, string branch, string? deadLetters, CancellationToken cancellationToken)
    {
        var rejected = deadLetters is null ? null : await TableArguments.OpenAsync(deadLetters, request.Warehouse, request.Catalog, cancellationToken);
        var result = await Audit.RunAsync(request.Table, rejected, branch, cancellationToken);
        if (request.Json)
        {
            TableArguments.WriteJson(request.Output, json => JsonSerializer.Serialize(json, result, JsonSerializerOptions.Web));
        }
        else
        {
            request.Output.WriteLine(result.ToString());
        }

        return result.Verdict == AuditVerdict.Proved ? 0 : CommandRunner.Failed;
    }
}
