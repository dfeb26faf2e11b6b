using System.Globalization;
using System.Text;

namespace OrleansLake.Iceberg;

/// <summary>
/// The metadata files of one table directory: <c>metadata/vN.metadata.json</c>, the newest being the one with the highest N,
/// whatever <c>version-hint.text</c> says. https://iceberg.apache.org/spec/#file-system-tables
/// </summary>
internal sealed class LocalTableDirectory(string location, IObjectStore store)
{
    private const string Suffix = ".metadata.json";

    /// <summary>The table's location as its metadata have it.</summary>
    public string Location => location;

    public string MetadataLocation(long version) => string.Create(CultureInfo.InvariantCulture, $"{location}/metadata/v{version}{Suffix}");

    /// <summary>The newest version; null when there is none.</summary>
    public long? NewestVersion()
    {
        string directory = Path.Combine(LocalObjectStore.PathOf(location), "metadata");
        try
        {
            long newest = -1;
            foreach (string file in Directory.EnumerateFiles(directory, "v*" + Suffix))
            {
                newest = Math.Max(newest, VersionOf(Path.GetFileName(file)) ?? -1);
            }

            return newest < 0 ? null : newest;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The number in <c>vN.metadata.json</c>; null where the name is another.</summary>
    public static long? VersionOf(string fileName) =>
        fileName.StartsWith('v') && fileName.EndsWith(Suffix, StringComparison.Ordinal)
        && long.TryParse(fileName.AsSpan(1, fileName.Length - 1 - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long version)
            ? version
            : null;

    /// <summary>Points readers that do not list at a version. Only ever called under the table's lock, so it never goes back.</summary>
    public async Task WriteHintAsync(long version, CancellationToken cancellationToken)
    {
        var writer = store.OpenWrite(location + "/metadata/version-hint.text");
        await using (writer.ConfigureAwait(false))
        {
            await writer.WriteAsync(Encoding.ASCII.GetBytes(version.ToString(CultureInfo.InvariantCulture)), cancellationToken).ConfigureAwait(false);
            await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
