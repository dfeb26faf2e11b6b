using System.Text;

namespace OrleansLake.Cli.Commands;

/// <summary>Columns for people: aligned, numbers to the right, no lines.</summary>
internal sealed class TextTable(params string[] headings)
{
    private readonly List<string[]> _rows = [[.. headings.Select(Harmless)]];
    private readonly HashSet<int> _right = [];

    /// <summary>Aligns columns to the right.</summary>
    public TextTable Right(params IEnumerable<int> columns)
    {
        _right.UnionWith(columns);
        return this;
    }

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(Harmless)]);

    public void WriteTo(TextWriter output)
    {
        int[] widths = [.. Enumerable.Range(0, headings.Length).Select(column => _rows.Max(row => Width(row[column])))];
        foreach (string[] row in _rows)
        {
            var cells = row.Select((cell, column) =>
            {
                string space = new(' ', widths[column] - Width(cell));
                return _right.Contains(column) ? space + cell : cell + space;
            });
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }

    /// <summary>Text without what would move the cursor or colour the terminal: names and values are other people's.</summary>
    public static string Harmless(string text) => string.Concat(text.ReplaceLineEndings(" ").EnumerateRunes().Select(rune => Rune.IsControl(rune) ? " " : rune.ToString()));

    /// <summary>The columns that a terminal gives a text: two for East Asian characters and emoji, none for marks.</summary>
    private static int Width(string text) => text.EnumerateRunes().Sum(rune => (Rune.GetUnicodeCategory(rune), rune.Value) switch
    {
        (System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.EnclosingMark or System.Globalization.UnicodeCategory.Format, _) => 0,
        (_, (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD)) => 2,
        _ => 1,
    });
}
