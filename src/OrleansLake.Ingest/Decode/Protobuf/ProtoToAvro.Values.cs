using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace OrleansLake.Ingest.Decode.Protobuf;

/// <summary>Single values: what they are on the wire, and in Avro.</summary>
internal sealed partial class ProtoToAvro
{
    private bool Value(FieldLayout field, ReadOnlySpan<byte> value, int depth)
    {
        switch (field.Shape)
        {
            case ProtoShape.Scalar:
                return Scalar(field.Kind, value);
            case ProtoShape.Message:
                return Convert(field.Message!, value, depth + 1);
            case ProtoShape.Wrapper:
                return TryFields(value, FieldLayout.WireOf(field.Kind), 0, out var wrapped, out _) && Scalar(field.Kind, value[wrapped]);
            case ProtoShape.Seconds:
                return TryFields(value, 0, 0, out var seconds, out var nanos) && Seconds(value[seconds], value[nanos]);
            default:
                return Json(field.Shape, value, depth);
        }
    }

    /// <summary>A map's entry.</summary>
    private bool Entry(FieldLayout field, ReadOnlySpan<byte> entry, out Range key, out Range value) =>
        TryFields(entry, FieldLayout.WireOf(field.MapKey!.Value), FieldLayout.WireOf(field.Shape == ProtoShape.Scalar ? field.Kind : ProtoKind.Message), out key, out value);

    /// <summary>The last values of fields 1 and 2 of a message; empty where they are not there.</summary>
    private bool TryFields(ReadOnlySpan<byte> data, int wireOfFirst, int wireOfSecond, out Range first, out Range second)
    {
        first = second = default;
        for (int at = 0; at < data.Length;)
        {
            if (!TryTag(data, ref at, out int number, out int wire) || !TryValue(data, ref at, number, wire, out int start))
            {
                return false;
            }

            if (number == 1 && wire == wireOfFirst)
            {
                first = start..at;
            }
            else if (number == 2 && wire == wireOfSecond)
            {
                second = start..at;
            }
        }

        return true;
    }

    /// <summary>A scalar that lies there whole; no bytes are its default.</summary>
    private bool Scalar(ProtoKind kind, ReadOnlySpan<byte> value)
    {
        switch (kind)
        {
            case ProtoKind.String or ProtoKind.Bytes:
                PutLong(value.Length);
                Put(value);
                return true;
            case ProtoKind.Double or ProtoKind.Float:
                Put(value.Length > 0 ? value : kind == ProtoKind.Double ? "\0\0\0\0\0\0\0\0"u8 : "\0\0\0\0"u8);
                return true;
            case ProtoKind.Fixed32:
                PutLong(value.Length > 0 ? BinaryPrimitives.ReadUInt32LittleEndian(value) : 0);
                return true;
            case ProtoKind.SFixed32:
                PutLong(value.Length > 0 ? BinaryPrimitives.ReadInt32LittleEndian(value) : 0);
                return true;
            case ProtoKind.Fixed64 or ProtoKind.SFixed64:
                PutLong(value.Length > 0 ? BinaryPrimitives.ReadInt64LittleEndian(value) : 0);
                return true;
        }

        int at = 0;
        ulong bits = 0;
        if (value.Length > 0 && !TryVarint(value, ref at, out bits))
        {
            return false;
        }

        switch (kind)
        {
            case ProtoKind.Bool:
                Put(bits == 0 ? (byte)0 : (byte)1);
                break;
            case ProtoKind.Int32 or ProtoKind.Enum:
                PutLong((int)bits); // longer ones are cut off, as all libraries do
                break;
            case ProtoKind.UInt32:
                PutLong((uint)bits);
                break;
            case ProtoKind.SInt32:
                PutLong((int)((uint)bits >> 1) ^ -(int)(bits & 1));
                break;
            case ProtoKind.SInt64:
                PutLong((long)(bits >> 1) ^ -(long)(bits & 1));
                break;
            default:
                PutLong((long)bits);
                break;
        }

        return true;
    }

    /// <summary>Seconds and nanoseconds: eight bytes and four, little endian.</summary>
    private bool Seconds(ReadOnlySpan<byte> seconds, ReadOnlySpan<byte> nanos)
    {
        ulong whole = 0, rest = 0;
        int at = 0, atNanos = 0;
        if ((seconds.Length > 0 && !TryVarint(seconds, ref at, out whole)) || (nanos.Length > 0 && !TryVarint(nanos, ref atNanos, out rest)))
        {
            return false;
        }

        Span<byte> both = stackalloc byte[12];
        BinaryPrimitives.WriteInt64LittleEndian(both, (long)whole);
        BinaryPrimitives.WriteInt32LittleEndian(both[8..], (int)rest);
        Put(both);
        return true;
    }

    /// <summary>Values that no field takes: their numbers, and what they are as JSON; then a zero.</summary>
    private bool Unread(ReadOnlySpan<byte> data, int first)
    {
        if (first >= 0 && !SomeUnread(data, first))
        {
            return false;
        }

        Put(0);
        return true;
    }

    private bool SomeUnread(ReadOnlySpan<byte> data, int first)
    {
        for (int i = first; i >= 0; i = _met[i].Next)
        {
            var value = data[_met[i].Start.._met[i].End];
            int at = 0;
            ulong number = 0;
            if (_met[i].Wire == 0 && !TryVarint(value, ref at, out number))
            {
                return false;
            }

            string text = _met[i].Wire switch
            {
                0 => number.ToString(CultureInfo.InvariantCulture),
                1 => BinaryPrimitives.ReadUInt64LittleEndian(value).ToString(CultureInfo.InvariantCulture),
                5 => BinaryPrimitives.ReadUInt32LittleEndian(value).ToString(CultureInfo.InvariantCulture),
                _ => $"\"{System.Convert.ToBase64String(value)}\"",
            };
            PutLong(_met[i].Number);
            PutLong(text.Length);
            Put(Encoding.ASCII.GetBytes(text));
        }

        return true;
    }

    private bool TryTag(ReadOnlySpan<byte> data, ref int at, out int number, out int wire)
    {
        int start = at;
        bool isThere = TryVarint(data, ref at, out ulong tag);
        number = (int)(tag >> 3);
        wire = (int)(tag & 7);
        return isThere && ((tag <= uint.MaxValue && number > 0) || Malformed("a field's number and wire type", data, start));
    }

    /// <summary>Passes over a value. It is from <paramref name="start"/>, which is behind a length, to <paramref name="at"/>.</summary>
    private bool TryValue(ReadOnlySpan<byte> data, ref int at, int number, int wire, out int start)
    {
        start = at;
        switch (wire)
        {
            case 0:
                return TryVarint(data, ref at, out _);
            case 1 or 5:
                at += wire == 1 ? 8 : 4;
                return at <= data.Length || Malformed(wire == 1 ? "8 bytes" : "4 bytes", data, start);
            case 2:
                if (!TryVarint(data, ref at, out ulong length))
                {
                    return false;
                }

                start = at;
                if (length > (ulong)(data.Length - at))
                {
                    return Malformed("as many bytes as are told", data, start);
                }

                at += (int)length;
                return true;
            case 3:
                return TryGroup(data, ref at, number);
            default:
                return Malformed("a wire type from 0 to 3, or 5", data, start);
        }
    }

    /// <summary>Passes over a group with those that are within it.</summary>
    private bool TryGroup(ReadOnlySpan<byte> data, ref int at, int number)
    {
        Span<int> open = stackalloc int[MaxDepth];
        int depth = 0;
        open[0] = number;
        while (depth >= 0)
        {
            int start = at;
            if (!TryTag(data, ref at, out int inner, out int wire))
            {
                return false;
            }

            if (wire == 4)
            {
                if (inner != open[depth--])
                {
                    return Malformed($"the end of group {open[depth + 1]}", data, start);
                }
            }
            else if (wire == 3)
            {
                if (++depth == MaxDepth)
                {
                    return Fail(RejectReason.TooDeep, $"expected at most {MaxDepth} groups within each other");
                }

                open[depth] = inner;
            }
            else if (!TryValue(data, ref at, inner, wire, out _))
            {
                return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryVarint(ReadOnlySpan<byte> data, ref int at, out ulong value)
    {
        // Most numbers are one byte.
        int next = at;
        if ((uint)next < (uint)data.Length && data[next] < 0x80)
        {
            value = data[next];
            at = next + 1;
            return true;
        }

        return TryLongVarint(data, ref at, out value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryLongVarint(ReadOnlySpan<byte> data, ref int at, out ulong value)
    {
        int start = at;
        value = 0;
        for (int shift = 0; shift < 70 && at < data.Length; shift += 7)
        {
            byte one = data[at++];
            value |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80)
            {
                return true;
            }
        }

        return Malformed("a number of at most ten bytes", data, start);
    }

    private void Put(byte one)
    {
        if (_length == _out.Length)
        {
            Array.Resize(ref _out, 2 * _out.Length);
        }

        _out[_length++] = one;
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (_out.Length - _length < bytes.Length)
        {
            Array.Resize(ref _out, Math.Max(2 * _out.Length, checked(_length + bytes.Length)));
        }

        bytes.CopyTo(_out.AsSpan(_length));
        _length += bytes.Length;
    }

    private void PutLong(long value)
    {
        const int MostBytes = 10;
        ulong rest = (ulong)((value << 1) ^ (value >> 63));
        if (_out.Length - _length < MostBytes)
        {
            Array.Resize(ref _out, 2 * _out.Length);
        }

        byte[] target = _out;
        int at = _length;
        for (; rest >= 0x80; rest >>= 7)
        {
            target[at++] = (byte)(rest | 0x80);
        }

        target[at++] = (byte)rest;
        _length = at;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Malformed(string expected, ReadOnlySpan<byte> data, int at) =>
        Fail(RejectReason.MalformedProtobuf, string.Create(CultureInfo.InvariantCulture, $"expected {expected}, got {Math.Max(0, data.Length - at)} bytes behind byte {at} of the message"));

    private bool Fail(RejectReason reason, string message)
    {
        Reason = reason;
        Message = message;
        return false;
    }
}
