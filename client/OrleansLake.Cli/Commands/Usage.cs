using System.CommandLine.Parsing;

namespace OrleansLake.Cli.Commands;

/// <summary>Options whose text has a grammar are wrong usage, before a table is opened.</summary>
internal static class Usage
{
    /// <summary>Reads each value of an option; what cannot be read is an error of the command line.</summary>
    public static void Check(OptionResult option, Action<string> read)
    {
        foreach (var token in option.Tokens)
        {
            try
            {
                read(token.Value);
            }
            catch (Exception error) when (error is FormatException or ArgumentException or IOException or UnauthorizedAccessException)
            {
                option.AddError($"{option.Option.Name}: {error.Message.ReplaceLineEndings(" ")}");
            }
        }
    }
}

/// <summary>A list of columns as typed: parted by commas, in double quotes where a name has one.</summary>
internal static class ColumnList
{
    /// <summary>The columns.</summary>
    /// <exception cref="FormatException">A name is empty or a quote stays open.</exception>
    public static IReadOnlyList<string> Split(string text)
    {
        var columns = new List<string>();
        var column = new System.Text.StringBuilder();
        bool quoted = false;
        foreach (char c in text)
        {
            if (c == '"')
            {
                quoted = !quoted;
            }
            else if (c == ',' && !quoted)
            {
                End();
            }
            else
            {
                column.Append(c);
            }
        }

        End();
        return quoted ? throw new FormatException($"expected a closing double quote, got {text}") : columns;

        void End()
        {
            string name = column.ToString().Trim();
            columns.Add(name.Length > 0 ? name : throw new FormatException($"expected columns parted by commas, got \"{text}\""));
            column.Clear();
        }
    }
}
