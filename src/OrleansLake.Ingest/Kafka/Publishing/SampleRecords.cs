using System.Buffers.Text;

namespace OrleansLake.Ingest.Kafka.Publishing;

/// <summary>
/// The Starburst loader's sample record with values that vary: the same bytes for the same seed and index, on every machine.
/// </summary>
/// <remarks>
/// <c>{"bool":…,"floating":…,"integer":…,"string":…,"bools":[3],"floatings":[3],"integers":[3],"strings":[3],
/// "string_map":{2 keys},"nested":{"key":…,"value":…},"timestamp":"2022-07-26T07:41:48.000773+00:00"}</c>
/// </remarks>
public sealed class SampleRecords
{
    /// <summary>No record is longer.</summary>
    public const int MaxLength = 768;

    private const long FirstMicros = 1_658_821_308_000_773; // 2022-07-26T07:41:48.000773Z
    private const long MicrosADay = 86_400_000_000;

    // A few dozen words give strings that repeat as real ones do; some need an escape or more than a byte a letter.
    private static readonly byte[][] Words =
    [
        "alpha"u8.ToArray(), "bravo"u8.ToArray(), "charlie"u8.ToArray(), "delta"u8.ToArray(), "echo"u8.ToArray(), "foxtrot"u8.ToArray(),
        "golf"u8.ToArray(), "hotel"u8.ToArray(), "india"u8.ToArray(), "juliett"u8.ToArray(), "kilo"u8.ToArray(), "lima"u8.ToArray(),
        "mike"u8.ToArray(), "november"u8.ToArray(), "oscar"u8.ToArray(), "papa"u8.ToArray(), "quebec"u8.ToArray(), "romeo"u8.ToArray(),
        "sierra"u8.ToArray(), "tango"u8.ToArray(), "uniform"u8.ToArray(), "victor"u8.ToArray(), "whiskey"u8.ToArray(), "x-ray"u8.ToArray(),
        "yankee"u8.ToArray(), "zulu"u8.ToArray(), "z\u00fcrich"u8.ToArray(), "\u65e5\u672c"u8.ToArray(), "say \\\"hi\\\""u8.ToArray(),
        "tab\\there"u8.ToArray(), "a\\\\b"u8.ToArray(), "caf\\u00e9"u8.ToArray(),
    ];

    private const int PlainWords = 26;

    private readonly ulong _seed;
    private readonly int _words;
    private readonly long _stepMicros;

    /// <summary>
    /// Records of a seed, <paramref name="step"/> apart in time (100 ms: 864,000 records a day).
    /// <paramref name="plain"/>: no text needs an escape or more than a byte a letter.
    /// </summary>
    public SampleRecords(ulong seed = 1, TimeSpan? step = null, bool plain = false)
    {
        _seed = seed;
        _words = plain ? PlainWords : Words.Length;
        _stepMicros = (step ?? TimeSpan.FromMilliseconds(100)).Ticks / TimeSpan.TicksPerMicrosecond;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_stepMicros, nameof(step));
    }

    /// <summary>The table that the record fits.</summary>
    public const string Columns =
        "bool BOOLEAN, floating DOUBLE, integer BIGINT, string VARCHAR, bools ARRAY(BOOLEAN), floatings ARRAY(DOUBLE), integers ARRAY(BIGINT), "
        + "strings ARRAY(VARCHAR), string_map MAP(VARCHAR, VARCHAR), nested ROW(key VARCHAR, value BIGINT), timestamp TIMESTAMP(6) WITH TIME ZONE";

    /// <summary>Writes the record of an index and returns its length. The target has room for <see cref="MaxLength"/>.</summary>
    public int Write(long index, Span<byte> target)
    {
        var random = new SplitMix(_seed * 0x9E3779B97F4A7C15UL + (ulong)index);
        var writer = new Cursor(target, _words);
        writer.Put("{\"bool\":"u8);
        writer.Bool(random.Next());
        writer.Put(",\"floating\":"u8);
        writer.Floating(random.Next());
        writer.Put(",\"integer\":"u8);
        writer.Integer(random.Next());
        writer.Put(",\"string\":\""u8);
        writer.Words(random.Next(), 3);
        writer.Put("\",\"bools\":["u8);
        ulong bits = random.Next();
        writer.Bool(bits);
        writer.Put(","u8);
        writer.Bool(bits >> 1);
        writer.Put(","u8);
        writer.Bool(bits >> 2);
        writer.Put("],\"floatings\":["u8);
        writer.Floating(random.Next());
        writer.Put(","u8);
        writer.Floating(random.Next());
        writer.Put(","u8);
        writer.Floating(random.Next());
        writer.Put("],\"integers\":["u8);
        writer.Integer(random.Next());
        writer.Put(","u8);
        writer.Integer(random.Next());
        writer.Put(","u8);
        writer.Integer(random.Next());
        writer.Put("],\"strings\":[\""u8);
        ulong words = random.Next();
        writer.Words(words, 1);
        writer.Put("\",\""u8);
        writer.Words(words >> 8, 1);
        writer.Put("\",\""u8);
        writer.Words(words >> 16, 1);
        writer.Put("\"],\"string_map\":{\"key1\":\""u8);
        writer.Words(words >> 24, 1);
        writer.Put("\",\"key2\":\""u8);
        writer.Words(words >> 32, 2);
        writer.Put("\"},\"nested\":{\"key\":\""u8);
        writer.Words(words >> 48, 1);
        writer.Put("\",\"value\":"u8);
        writer.Integer(random.Next());
        writer.Put("},\"timestamp\":\""u8);
        writer.Timestamp(FirstMicros + index * _stepMicros + (long)(random.Next() % (ulong)_stepMicros));
        writer.Put("\"}"u8);
        return writer.Used;
    }

    // http://prng.di.unimi.it/splitmix64.c
    private struct SplitMix(ulong state)
    {
        internal ulong Next()
        {
            ulong z = state += 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }

    private ref struct Cursor(Span<byte> target, int words)
    {
        private readonly Span<byte> _target = target;

        internal int Used { get; private set; }

        internal void Put(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_target[Used..]);
            Used += bytes.Length;
        }

        internal void Bool(ulong bits) => Put((bits & 1) != 0 ? "true"u8 : "false"u8);

        // Of every size, so that all lengths of digits occur; three quarters below a million.
        internal void Integer(ulong bits)
        {
            long value = (bits & 3) != 0 ? (long)((bits >> 2) % 1_000_000) : (long)(bits >> (int)((bits >> 2) % 60));
            Long((bits & 0x80) != 0 ? -value : value);
        }

        // Decimals of up to six places; few with an exponent.
        internal void Floating(ulong bits)
        {
            if ((bits & 0x8000) != 0)
                Put("-"u8);
            Long((long)((bits >> 16) % 100_000));
            Put("."u8);
            uint fraction = (uint)((bits >> 40) % 1_000_000);
            Utf8Formatter.TryFormat(fraction, _target[Used..], out int written, new System.Buffers.StandardFormat('D', 6));
            Used += written;
            if ((bits & 0xF) == 0)
                Put((bits & 0x10) == 0 ? "e-7"u8 : "E+12"u8);
        }

        internal void Words(ulong bits, int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (i > 0)
                    Put(" "u8);
                Put(SampleRecords.Words[(int)(bits & 31) % words]);
                bits >>= 5;
            }
        }

        internal void Timestamp(long micros)
        {
            DateTime time = DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
            Span<byte> at = _target[Used..];
            "0000-00-00T00:00:00.000000+00:00"u8.CopyTo(at);
            Digits(at, 0, 4, time.Year);
            Digits(at, 5, 2, time.Month);
            Digits(at, 8, 2, time.Day);
            Digits(at, 11, 2, time.Hour);
            Digits(at, 14, 2, time.Minute);
            Digits(at, 17, 2, time.Second);
            Digits(at, 20, 6, (int)(micros % MicrosADay % 1_000_000));
            Used += 32;
        }

        private void Long(long value)
        {
            Utf8Formatter.TryFormat(value, _target[Used..], out int written);
            Used += written;
        }

        private static void Digits(Span<byte> target, int start, int count, int value)
        {
            for (int i = start + count - 1; i >= start; i--)
            {
                target[i] = (byte)('0' + value % 10);
                value /= 10;
            }
        }
    }
}

/// <summary>Sample records as a feed.</summary>
public sealed class SampleFeed(SampleRecords records, long first, long count) : IRecordFeed
{
    private readonly long _end = first + count;
    private long _next = first;

    /// <inheritdoc />
    public long? Total { get; } = count;

    /// <inheritdoc />
    public void Fill(RecordChunk chunk, int limit)
    {
        for (; limit > 0 && _next < _end; limit--)
            chunk.Commit(records.Write(_next++, chunk.Reserve(SampleRecords.MaxLength)));
    }

    /// <inheritdoc />
    public void Dispose() { }
}
