using System.CommandLine;

namespace OrleansLake.Cli.Commands;

/// <summary><c>lake table</c>: what a local table holds, and what changes one.</summary>
internal static class TableCommand
{
    internal static Command Create() => new("table", "Show a local table, whoever wrote it; change one of our own")
    {
        TableShow.Create(),
        TableDescribe.Create(),
        TableSchema.Create(),
        TableSnapshots.Create(),
        TableFiles.Create(),
        TablePartitions.Create(),
        TableRefs.Create(),
        TableRowsCommand.Create(),
        TableDiff.Create(),
        TableAuditCommand.Create(),
        TableChangeCommands.Create(),
        TableChangeCommands.Alter(),
        TableChangeCommands.Rollback(),
    };
}
