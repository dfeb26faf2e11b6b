using System.Globalization;
using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>
/// The folders of a partition, <c>name=value</c> each, as Java spells and escapes them. Cosmetic: readers take the values from
/// the manifest.
/// </summary>
public static class PartitionPath
{
    /// <summary>The folders, parted by slashes and without one at the ends; empty where the table is not partitioned.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="schema">The schema that has its sources.</param>
    /// <param name="key">The values.</param>
    public static string Of(PartitionSpec spec, Schema schema, PartitionKey key)
    {
        var path = new StringBuilder();
        for (int i = 0; i < spec.Fields.Count; i++)
        {
            var field = spec.Fields[i];
            var source = schema.FindField(field.SourceId)?.Type ?? new UnknownType();
            path.Append(i > 0 ? "/" : "").Append(Escape(field.Name)).Append('=').Append(Escape(Text(field.Transform, source, key.Values[i])));
        }

        return path.ToString();
    }

    /// <summary>A partition value for people: a day as 2017-12-01, an hour as 2017-12-01-10.</summary>
    public static string Text(Transform transform, IcebergType source, object? value) => (transform, value) switch
    {
        (_, null) => "null",
        (Transform.Year, int years) => Year(1970 + years),
        (Transform.Month, int months) => Month(months),
        (Transform.Day, int days) => SingleValueText.Date(days),
        (Transform.Hour, int hours) => string.Create(CultureInfo.InvariantCulture, $"{SingleValueText.Date((int)Transform.FloorDiv(hours, 24))}-{hours - Transform.FloorDiv(hours, 24) * 24:D2}"),
        (Transform.Unknown, _) => SingleValueText.Of(new StringType(), value),
        (Transform.Bucket, int bucket) => bucket.ToString(CultureInfo.InvariantCulture),
        _ => SingleValueText.Of(source, value),
    };

    private static string Year(int year) => year.ToString("D4", CultureInfo.InvariantCulture);

    private static string Month(int months)
    {
        int years = (int)Transform.FloorDiv(months, 12);
        return string.Create(CultureInfo.InvariantCulture, $"{Year(1970 + years)}-{months - years * 12 + 1:D2}");
    }

    /// <summary>Form encoding: letters, digits and <c>.-*_</c> stay, a space becomes a plus, the rest %XX of its UTF-8.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (byte one in Encoding.UTF8.GetBytes(text))
        {
            char c = (char)one;
            if (char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '*' or '_')
            {
                escaped.Append(c);
            }
            else if (c == ' ')
            {
                escaped.Append('+');
            }
            else
            {
                escaped.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return escaped.ToString();
    }
}
