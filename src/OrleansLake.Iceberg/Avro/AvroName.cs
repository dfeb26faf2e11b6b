using System.Globalization;
using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>
/// Names as Avro allows them. Java and PyIceberg give the columns of Parquet files such names too, and readers that look for a column
/// by its name, not its id, look for that one. https://avro.apache.org/docs/1.12.0/specification/#names
/// </summary>
public static class AvroName
{
    /// <summary>The name itself, or one of letters, digits and underscores in its place.</summary>
    public static string Safe(string name)
    {
        if (name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            return name;
        }

        var safe = new StringBuilder();
        foreach (char c in name)
        {
            if (safe.Length == 0 && char.IsAsciiDigit(c))
            {
                safe.Append('_').Append(c);
            }
            else if (char.IsAsciiLetterOrDigit(c) || c == '_')
            {
                safe.Append(c);
            }
            else
            {
                safe.Append("_x").Append(((int)c).ToString("X", CultureInfo.InvariantCulture));
            }
        }

        return safe.Length == 0 ? "_" : safe.ToString();
    }
}
