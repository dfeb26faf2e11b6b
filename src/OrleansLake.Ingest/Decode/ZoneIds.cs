using System.Text;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// Zone ids in brackets behind a time, as <c>java.time</c> writes them (RFC 9557 likewise):
/// <c>2022-07-26T00:41:48-07:00[America/Los_Angeles]</c>. An offset decides wherever there is one; without, the zone's rules
/// do: a time that an hour's change skips is none, of one that comes twice it is the first.
/// </summary>
internal static unsafe class ZoneIds
{
    /// <summary>Minutes ahead of UTC, from <paramref name="p"/> up to <paramref name="end"/>; <paramref name="localMicros"/>: the wall clock.</summary>
    public static bool TryOffset(byte* p, byte* end, long localMicros, out long offsetMinutes)
    {
        offsetMinutes = 0;
        var text = new ReadOnlySpan<byte>(p, (int)(end - p));
        int bracket = text.IndexOf((byte)'[');
        if (bracket < 0 || text[^1] != ']')
        {
            return false;
        }

        var id = text[(bracket + 1)..^1];
        if (id.Length is 0 or > 64 || id.ContainsAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-"u8))
        {
            return false;
        }

        return bracket > 0 ? JsonTimes.TryZone(p, p + bracket, out offsetMinutes) : TryRules(Encoding.ASCII.GetString(id), localMicros, out offsetMinutes);
    }

    private static bool TryRules(string id, long localMicros, out long offsetMinutes)
    {
        offsetMinutes = 0;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone))
        {
            return false;
        }

        // Years 1 to 9999, as the texts have them: within what DateTime holds.
        var local = DateTime.UnixEpoch.AddTicks(localMicros * TimeSpan.TicksPerMicrosecond);
        local = DateTime.SpecifyKind(local, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(local))
        {
            return false;
        }

        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        offsetMinutes = (long)offset.TotalMinutes;
        return offset.Ticks % TimeSpan.TicksPerMinute == 0;
    }
}
