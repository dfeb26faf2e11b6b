using System.CommandLine;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table</c>: what a local table holds.</summary>
internal static class TableCommand
{
    internal static Command Create() => new("table", "Show a local table, whoever wrote it")
    {
        TableShow.Create(),
        TableSnapshots.Create(),
        TableFiles.Create(),
        TableRowsCommand.Create(),
        TableAuditCommand.Create(),
    };
}
