using System.Buffers.Binary;
using System.Numerics;

namespace OrleansLake.Ingest.Decode.Avro;

/// <summary>A place in a record in Avro's binary encoding, and what went wrong there. A reader that fails returns false to its caller.</summary>
internal ref struct AvroCursor(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;

    /// <summary>Where the next byte is.</summary>
    public int At;

    /// <summary>Why it failed.</summary>
    public RejectReason Reason;

    /// <summary>Expected and found.</summary>
    public string Message = "";

    /// <summary>Names from the place that failed outwards.</summary>
    public List<string>? Path;

    /// <summary>Bytes that are left.</summary>
    public readonly int Left => _data.Length - At;

    /// <summary>An int or long: zigzag, seven bits a byte.</summary>
    public bool TryLong(out long value)
    {
        ulong read = 0;
        for (int shift = 0; shift < 70 && At < _data.Length; shift += 7)
        {
            byte one = _data[At++];
            read |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80)
            {
                value = (long)(read >> 1) ^ -(long)(read & 1);
                return shift < 63 || one <= 1 || Malformed("a number of at most 64 bits");
            }
        }

        value = 0;
        return Malformed("a number");
    }

    /// <summary>So many bytes.</summary>
    public bool TryBytes(long length, out ReadOnlySpan<byte> bytes)
    {
        if (length < 0 || length > Left)
        {
            bytes = default;
            return Malformed($"{length} bytes");
        }

        bytes = _data.Slice(At, (int)length);
        At += (int)length;
        return true;
    }

    /// <summary>Bytes or a string: their length, then they.</summary>
    public bool TryBytes(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        return TryLong(out long length) && TryBytes(length, out bytes);
    }

    /// <summary>0 or 1.</summary>
    public bool TryBoolean(out byte value)
    {
        value = 2;
        if (TryBytes(1, out var bytes))
        {
            value = bytes[0];
        }

        return value < 2 || Malformed("a boolean");
    }

    /// <summary>Four bytes, little endian.</summary>
    public bool TryFloat(out float value)
    {
        bool isThere = TryBytes(4, out var bytes);
        value = isThere ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>Eight bytes, little endian.</summary>
    public bool TryDouble(out double value)
    {
        bool isThere = TryBytes(8, out var bytes);
        value = isThere ? BinaryPrimitives.ReadDoubleLittleEndian(bytes) : 0;
        return isThere;
    }

    /// <summary>How many elements the next block of an array or map has; 0: it is over. A negative count has the block's bytes behind it.</summary>
    public bool TryBlock(ref long total, out long count)
    {
        if (!TryLong(out count) || (count < 0 && !TryLong(out _)))
        {
            return false;
        }

        count = count < 0 ? -count : count;
        total += count;
        // Elements that take no bytes would cost nothing to promise.
        return (count >= 0 && total <= Math.Max(100_000, _data.Length)) || Malformed("as many elements as there can be");
    }

    /// <summary>The bytes are not what the schema says.</summary>
    public bool Malformed(string expected) => Fail(RejectReason.MalformedAvro, $"expected {expected}, got {Left} bytes behind byte {At}");

    /// <summary>Anything else.</summary>
    public bool Fail(RejectReason reason, string message)
    {
        Reason = reason;
        Message = message;
        Path = null;
        return false;
    }

    /// <summary>Adds the field or element in which it failed.</summary>
    public bool In(string step)
    {
        (Path ??= []).Add(step);
        return false;
    }

    /// <summary>The path to where it failed.</summary>
    public readonly string PathText => Path is null ? "" : string.Concat(Path.AsEnumerable().Reverse().Select(step => step[0] == '[' ? step : "." + step)).TrimStart('.');

    /// <summary>Whether a value that begins here is null, or what was never written.</summary>
    public readonly bool IsNothing(AvroType type)
    {
        if (type.IsNothingWhenEmpty)
        {
            int bytes = type.Kind switch { AvroTypeKind.Float => 4, AvroTypeKind.Double => 8, _ => 1 };
            return Left >= bytes && !_data.Slice(At, bytes).ContainsAnyExcept((byte)0);
        }

        if (type.Kind != AvroTypeKind.Union)
        {
            return type.Kind == AvroTypeKind.Null;
        }

        var ahead = this;
        return ahead.TryLong(out long branch) && (ulong)branch < (ulong)type.Branches.Count && ahead.IsNothing(type.Branches[(int)branch]);
    }

    /// <summary>Passes over values that no field takes.</summary>
    public bool SkipUnread()
    {
        while (TryLong(out long number))
        {
            if (number == 0)
            {
                return true;
            }

            if (!TryBytes(out _))
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Passes over a value.</summary>
    public bool Skip(AvroType type, int depth = 0)
    {
        if (depth > JsonPlanCompiler.MaxDepth)
        {
            return Fail(RejectReason.TooDeep, $"expected at most {JsonPlanCompiler.MaxDepth} records, arrays and maps within each other");
        }

        switch (type.Kind)
        {
            case AvroTypeKind.Null:
                return true;
            case AvroTypeKind.Boolean:
                return TryBytes(1, out _);
            case AvroTypeKind.Int or AvroTypeKind.Long or AvroTypeKind.Enum:
                return TryLong(out _);
            case AvroTypeKind.Float:
                return TryBytes(4, out _);
            case AvroTypeKind.Double:
                return TryBytes(8, out _);
            case AvroTypeKind.Bytes or AvroTypeKind.String:
                return TryBytes(out _);
            case AvroTypeKind.Fixed:
                return TryBytes(type.Size, out _);
            case AvroTypeKind.Union:
                return TryLong(out long branch) && ((ulong)branch < (ulong)type.Branches.Count ? Skip(type.Branches[(int)branch], depth + 1) : Malformed("a branch of the union"));
            case AvroTypeKind.Record:
                foreach (var (_, field) in type.Fields)
                {
                    if (!Skip(field, depth + 1))
                    {
                        return false;
                    }
                }

                return true;
            case AvroTypeKind.Unread:
                return SkipUnread();
            default:
                long total = 0;
                while (true)
                {
                    if (!TryBlock(ref total, out long count))
                    {
                        return false;
                    }

                    if (count == 0)
                    {
                        return true;
                    }

                    for (; count > 0; count--)
                    {
                        if ((type.Kind == AvroTypeKind.Map && !(type.Keys is { } keys ? Skip(keys, depth + 1) : TryBytes(out _))) || !Skip(type.Items!, depth + 1))
                        {
                            return false;
                        }
                    }
                }
        }
    }

    /// <summary>A two's complement number of any length, if it has at most 128 bits that count.</summary>
    public static bool TryUnscaled(ReadOnlySpan<byte> bytes, out Int128 value)
    {
        var big = new BigInteger(bytes, isUnsigned: false, isBigEndian: true);
        bool fits = big >= BigInteger.CreateChecked(Int128.MinValue) && big <= BigInteger.CreateChecked(Int128.MaxValue);
        value = fits ? (Int128)big : 0;
        return fits;
    }
}
