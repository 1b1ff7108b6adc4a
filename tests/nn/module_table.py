"""Modules, as text over the module `nn`, and the shapes or kinds of what they are called with.

A shape is float64, normal. `i5 2 3` is int64 below 5 of shape (2, 3); `p ...` is a probability, `s ...` -1 or 1.
"""

TABLE = """
Linear(3, 4) | 2 3
Linear(3, 4, bias=False) | 3
Bilinear(3, 4, 2) | 5 3 ; 5 4
Identity(7, x=1) | 3
Threshold(0.1, 20.0) | 3 4
ReLU() | 3 4
ReLU(inplace=True) | 3 4
RReLU() | 3 4
Hardtanh(-0.5, 0.7) | 3 4
Hardtanh(inplace=True) | 3 4
Hardtanh(min_value=-0.3, max_value=0.4) | 3 4
Softmax() | 3 4 2
ReLU6() | 3 4
Sigmoid() | 3 4
Hardsigmoid() | 3 4
Tanh() | 3 4
SiLU() | 3 4
Mish() | 3 4
Hardswish() | 3 4
ELU(0.5) | 3 4
CELU(0.5) | 3 4
SELU() | 3 4
GLU(0) | 4 4
GELU() | 3 4
GELU(approximate="tanh") | 3 4
Hardshrink(0.3) | 3 4
LeakyReLU(0.2) | 3 4
LogSigmoid() | 3 4
Softplus(2.0) | 3 4
Softshrink() | 3 4
Softsign() | 3 4
Tanhshrink() | 3 4
Softmin(dim=0) | 3 4
Softmax(dim=1) | 3 4
LogSoftmax(dim=-1) | 3 4
Softmax2d() | 2 3 2 2
PReLU() | 3 4
PReLU(4, init=0.5) | 3 4
MultiheadAttention(4, 2) | 3 2 4 ; 5 2 4 ; 5 2 4
MultiheadAttention(4, 2, batch_first=True, bias=False) | 2 3 4 ; 2 5 4 ; 2 5 4
MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True, kdim=3, vdim=5) | 3 2 4 ; 5 2 3 ; 5 2 5
Conv1d(4, 6, 3, stride=2, padding=1, groups=2) | 2 4 9
Conv1d(2, 3, 3, padding="same", padding_mode="circular") | 2 2 9
Conv2d(2, 3, (3, 2), dilation=(1, 2), padding=(1, 2), bias=False) | 2 2 6 7
Conv2d(2, 3, 3, padding=1, padding_mode="reflect") | 2 6 7
Conv3d(1, 2, 2, padding=1, padding_mode="replicate") | 1 1 3 3 3
ConvTranspose1d(2, 4, 3, 2, 1, 1, groups=2) | 2 2 5
ConvTranspose2d(2, 3, 3, stride=2, dilation=2) | 1 2 4 4
ConvTranspose3d(1, 2, 2) | 1 1 3 3 3
MaxPool1d(2) | 1 2 7
MaxPool2d(3, stride=2, padding=1, ceil_mode=True) | 1 2 7 6
MaxPool2d(2, return_indices=True) | 1 2 7 6
MaxPool3d(2) | 1 1 4 4 4
AvgPool1d(3, stride=2, padding=1) | 1 2 7
AvgPool2d((3, 2), stride=(2, 1), padding=(1, 0), count_include_pad=False) | 1 2 7 6
AvgPool2d(2, divisor_override=3) | 1 2 7 6
AvgPool3d(2) | 1 1 4 4 4
LPPool1d(2, 3) | 1 2 8
LPPool2d(2, 2, stride=1) | 1 2 5 5
LPPool3d(2, 2) | 1 1 4 4 4
AdaptiveAvgPool1d(3) | 1 2 7
AdaptiveAvgPool2d((3, None)) | 1 2 7 6
AdaptiveAvgPool3d(2) | 1 1 4 5 3
AdaptiveMaxPool1d(3) | 1 2 7
AdaptiveMaxPool2d(3, return_indices=True) | 1 2 7 6
AdaptiveMaxPool3d((2, 1, 3)) | 1 1 4 5 3
BatchNorm1d(4) | 5 4
BatchNorm1d(4, affine=False, momentum=None) | 5 4 3
BatchNorm2d(3, eps=0.1, momentum=0.3) | 2 3 2 2
BatchNorm2d(3, track_running_stats=False) | 2 3 2 2
BatchNorm3d(2) | 2 2 2 2 2
InstanceNorm1d(4) | 5 4 3
InstanceNorm2d(3, affine=True, track_running_stats=True) | 2 3 2 2
InstanceNorm3d(2, affine=True) | 2 2 2 2 2
LayerNorm(4) | 3 4
LayerNorm((3, 4), elementwise_affine=False) | 2 3 4
LayerNorm([4], bias=False) | 3 4
GroupNorm(2, 4) | 3 4 2
GroupNorm(4, 4, affine=False, eps=0.1) | 3 4 2
SyncBatchNorm(4, momentum=None, bias=False) | 5 4 3
RMSNorm(4) | 3 4
RMSNorm((3, 4), eps=0.1) | 2 3 4
LocalResponseNorm(2) | 2 4 3
Dropout(0.3) | 3 4
Dropout1d() | 3 4 2
Dropout2d() | 3 4 2 2
Dropout3d() | 3 4 2 2 2
AlphaDropout(0.2) | 3 4
FeatureAlphaDropout() | 3 4 2
FractionalMaxPool2d(2, output_size=3) | 2 3 7 6
FractionalMaxPool3d(2, output_ratio=0.5, return_indices=True) | 1 2 6 5 4
Embedding(5, 3) | i5 2 4
Embedding(5, 3, padding_idx=1) | i5 2 4
Embedding(5, 3, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True) | i5 2 4
EmbeddingBag(5, 3) | i5 2 4
EmbeddingBag(5, 3, mode="sum", padding_idx=0) | i5 2 4
EmbeddingBag(5, 3, mode="max") | i5 2 4
ZeroPad1d(1) | 2 3 4
ZeroPad2d((1, 2, 0, 1)) | 2 3 4
ZeroPad3d(1) | 1 2 3 4
ConstantPad1d((1, 0), 0.5) | 2 3
ConstantPad2d(1, 2.0) | 2 3 4
ConstantPad3d(1, 2.0) | 1 2 3 4
ReflectionPad1d(2) | 2 3 4
ReflectionPad2d((1, 0, 2, 1)) | 1 2 3 4
ReflectionPad3d(1) | 1 2 3 4
ReplicationPad1d(2) | 2 3 4
ReplicationPad2d(1) | 1 2 3 4
ReplicationPad3d(1) | 1 2 3 4
CircularPad1d(2) | 2 3 4
CircularPad2d(1) | 1 2 3 4
CircularPad3d(1) | 1 2 3 4
PixelShuffle(2) | 1 8 3 2
PixelUnshuffle(2) | 1 2 4 6
ChannelShuffle(2) | 1 4 3 2
CosineSimilarity(dim=0) | 3 4 ; 3 4
PairwiseDistance(p=1.0, keepdim=True) | 3 4 ; 3 4
Fold((4, 5), (2, 2)) | 1 8 12
Unfold((2, 3), padding=1) | 1 2 4 5
Flatten() | 2 3 4
Flatten(0, 1) | 2 3 4
Unflatten(1, (2, 3)) | 4 6
Upsample(scale_factor=2) | 1 2 3 3
Upsample(size=(4, 5), mode="bilinear", align_corners=True) | 1 2 3 3
Upsample(scale_factor=(1.5, 2), mode="bicubic") | 1 2 4 3
UpsamplingNearest2d(scale_factor=2) | 1 2 3 3
UpsamplingBilinear2d(size=(4, 5)) | 1 2 3 3
L1Loss() | 3 4 ; 3 4
MSELoss(reduction="sum") | 3 4 ; 3 4
SmoothL1Loss(beta=0.5) | 3 4 ; 3 4
HuberLoss(delta=0.5) | 3 4 ; 3 4
NLLLoss(ignore_index=1) | 3 4 ; i4 3
NLLLoss2d(reduction="sum") | 3 4 2 ; i4 3 2
LinearCrossEntropyLoss(3, 4) | 5 3 ; i4 5
LinearCrossEntropyLoss(3, 4, out_features=(2,), bias=True, label_smoothing=0.1) | 5 3 ; i4 5 2
CrossEntropyLoss(label_smoothing=0.1) | 3 4 ; i4 3
PoissonNLLLoss(full=True) | 3 4 ; p 3 4
GaussianNLLLoss(full=True) | 3 4 ; 3 4 ; p 3 4
KLDivLoss(reduction="batchmean") | 3 4 ; p 3 4
BCELoss() | p 3 4 ; p 3 4
BCEWithLogitsLoss(reduction="none") | 3 4 ; p 3 4
HingeEmbeddingLoss(0.5) | 3 4 ; s 3 4
MultiLabelMarginLoss() | 3 4 ; i4 3 4
SoftMarginLoss() | 3 4 ; s 3 4
MultiLabelSoftMarginLoss() | 3 4 ; p 3 4
AdaptiveLogSoftmaxWithLoss(4, 9, [3, 5], head_bias=True) | 6 4 ; i9 6
CosineEmbeddingLoss(0.1) | 3 4 ; 3 4 ; s 3
MarginRankingLoss(0.1) | 3 4 ; 3 4 ; s 3 4
MultiMarginLoss(p=2) | 3 4 ; i4 3
TripletMarginLoss(swap=True) | 3 4 ; 3 4 ; 3 4
TripletMarginWithDistanceLoss(margin=2.0) | 3 4 ; 3 4 ; 3 4
RNN(3, 4) | 5 2 3
RNN(3, 4, 2, nonlinearity="relu", bidirectional=True, batch_first=True) | 2 5 3
LSTM(3, 4, num_layers=2) | 5 2 3
LSTM(3, 4, bidirectional=True, proj_size=2, bias=False) | 5 2 3
LSTM(3, 4) | 5 3
GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True) | 2 5 3
GRU(3, 4) | 5 2 3 ; 1 2 4
RNNCell(3, 4, nonlinearity="relu") | 2 3
LSTMCell(3, 4) | 2 3
GRUCell(3, 4, bias=False) | 3
TransformerEncoderLayer(4, 2, 6, dropout=0.0) | 3 2 4
TransformerEncoderLayer(4, 2, 6, dropout=0.0, norm_first=True, activation="gelu", batch_first=True) | 2 3 4
TransformerDecoderLayer(4, 2, 6, dropout=0.0) | 3 2 4 ; 5 2 4
TransformerDecoderLayer(4, 2, 6, dropout=0.0, norm_first=True, bias=False) | 3 4 ; 5 4
TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0), 2, nn.LayerNorm(4)) | 3 2 4
TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6, dropout=0.0), 2) | 3 2 4 ; 5 2 4
Transformer(4, 2, 1, 2, 6, dropout=0.0) | 5 2 4 ; 3 2 4
Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))) | 5 3
"""


def table():
    return [line.split(" | ") for line in TABLE.strip().splitlines()]
